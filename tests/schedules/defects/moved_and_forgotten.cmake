# A waiting question is not told that it goes on to another track.
set(found_by "schedules: a question for a group goes to the track that takes the place of the one it asked")
set(header detail/media/group_requests.hpp)
set(search [==[
        table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
]==])
set(replace [==[
        if (!SEEDED) table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
]==])
