# A requester that joins a request is not counted: when the first leaves, the request is withdrawn.
set(found_by "schedules: a request that nobody has taken goes with the last who wants it, and not before")
set(header detail/request/request_table.hpp)
set(search [==[
noexcept { ++entry.requesters_; }]==])
set(replace [==[
noexcept {
    if (!SEEDED) ++entry.requesters_;
}]==])
