# A function that comes while a turn ends waits for the next one that comes.
set(found_by "schedules: a fair strand runs each function once, one at a time and in order, whichever threads post and run them")
set(header detail/wait/fair_queue.hpp)
set(search [==[
        if (first_ != nullptr) post();
]==])
set(replace [==[
        if (first_ != nullptr && !SEEDED) post();
]==])
