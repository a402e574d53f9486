# A waiting question is not told that it goes on to another track.
set(found_by "schedules: who asks for a group of a track that another one takes the place of asks that one")
set(header detail/media/group_requests.hpp)
set(search [==[
        table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
]==])
set(replace [==[
        if (!SEEDED) table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
]==])
