# The lock is released between the look at what has changed and the list of what is announced.
set(found_by "schedules: the streams of a session know what is announced, and get the number that they were promised")
set(header detail/session/announce_feed.hpp)
set(search [==[
        distribute();
        Batch batch;
]==])
set(replace [==[
        distribute();
        if (SEEDED) {
            origin_->mutex().unlock();
            origin_->mutex().lock();
        }
        Batch batch;
]==])
