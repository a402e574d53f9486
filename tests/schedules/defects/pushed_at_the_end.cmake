# A function that comes while a turn ends waits for the next one that comes.
set(found_by "schedules: a fair strand runs each function once, one at a time and in order, whichever threads post and run them")
set(header detail/wait/fair_queue.hpp)
set(search [==[
        leave_context();
        return nullptr;
]==])
set(replace [==[
        if (SEEDED) {
            lock.unlock();
            lock.lock();
            is_on_context_ = false;
            return nullptr;
        }
        leave_context();
        return nullptr;
]==])
