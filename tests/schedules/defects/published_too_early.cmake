# A wait can be completed before it has the thread that it goes on with.
set(found_by "schedules: an asio coroutine gets its answer from another thread through its executor")
set(header detail/wait/frame_wait.hpp)
set(search [==[
        thread_.emplace(&thread);
        if (!enter_source()) schedule();]==])
set(replace [==[
        if (SEEDED) {
            const bool waits = enter_source();
            thread_.emplace(&thread);
            if (!waits) schedule();
            return;
        }
        thread_.emplace(&thread);
        if (!enter_source()) schedule();]==])
