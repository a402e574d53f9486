# A question that goes on to another track is not told of it while it waits.
set(tests memory)
set(header detail/group_requests.hpp)
set(search [==[
        table_.for_each([&wake](const EntryPtr &entry) { wake.take(entry->requester_waits()); });
]==])
set(replace [==[
]==])
