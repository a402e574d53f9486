# The lock is released between the look at a track's subscribers and its removal.
set(found_by "schedules: a track is retired, or somebody subscribes to it, and never both")
set(header detail/media/broadcast_state.hpp)
set(search [==[
        Listed *found = listed(track->name());
        if (found == nullptr || found->track != track) return true;
]==])
set(replace [==[
        if (SEEDED) {
            lock.unlock();
            lock.lock();
        }
        Listed *found = listed(track->name());
        if (found == nullptr || found->track != track) return true;
]==])
