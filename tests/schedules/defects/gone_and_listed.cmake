# A hook that goes stays in the list of those that were told.
set(found_by "schedules: a session that leaves a stream hears no more of it, though it fails meanwhile")
set(header detail/stream/stop_list.hpp)
set(search [==[
        if (!is_listed_) return;
]==])
set(replace [==[
        if (SEEDED || !is_listed_) return;
]==])
