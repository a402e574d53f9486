# The lock is released between the look for a request's waiters and its end.
set(found_by "schedules: a request that its handler gives up is not the one that a newcomer waits for")
set(header detail/request/request.hpp)
set(search [==[
        if (!entry_->abandoned()) return false;
]==])
set(replace [==[
        if (!entry_->abandoned()) return false;
        if (SEEDED) {
            lock.unlock();
            lock.lock();
        }
]==])
