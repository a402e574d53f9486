# A function that comes during a turn gets a turn beside it.
set(found_by "schedules: a fair strand runs each function once, one at a time and in order, whichever threads post and run them")
set(header detail/wait/fair_queue.hpp)
set(search [==[
        Running here(this);
]==])
set(replace [==[
        Running here(this);
        if (SEEDED) {
            Lock lock(mutex_);
            is_on_context_ = false;
        }
]==])
