# The lock is released between the look for a broadcast and the wait for it.
set(found_by "schedules: a reader that awaits a path is told once, though the path comes and goes")
set(header detail/origin/origin_watch.hpp)
set(search [==[
    if (const auto &active = origin->tree().active(path.view(), view.excluded_hops())) return active;
]==])
set(replace [==[
    if (const auto &active = origin->tree().active(path.view(), view.excluded_hops())) return active;
    if (SEEDED) {
        lock.unlock();
        lock.lock();
    }
]==])
