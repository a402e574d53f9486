# A request stays after its last requester has left.
set(found_by "schedules: a request that nobody has taken goes with the last who wants it, and not before")
set(header detail/request/request_table.hpp)
set(search [==[
        if (--entry.requesters_ != 0) return {};]==])
set(replace [==[
        if (SEEDED || --entry.requesters_ != 0) return {};]==])
