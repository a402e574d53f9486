# An item that was seen under the lock is taken without it.
set(found_by "schedules: an abort tells every reader once, and leaves nothing behind")
set(header detail/wait/step.hpp)
set(search [==[
        return rule_.take();]==])
set(replace [==[
        if (SEEDED) lock.unlock();
        return rule_.take();]==])
