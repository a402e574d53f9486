# What ends between its count and its turn in the list is not told.
set(found_by "schedules: the streams of a session know what is announced, and get the number that they were promised")
set(header detail/session/announce_feed.hpp)
set(search [==[
        if (!passed && (!ended || one.count == 0)) return;
]==])
set(replace [==[
        if (!passed && (SEEDED || !ended || one.count == 0)) return;
]==])
