# Who waits for a request is not told of its answer.
set(tests requests)
set(found_by "schedules: two requesters share one request, and both get what its handler answers")
set(header detail/request_table.hpp)
set(search [==[
        wake.take(entry.requester_waits_);
        wake.take(entry.abandoned_waits_);
        remove(entry, Entry::State::Settled);]==])
set(replace [==[
        wake.take(entry.abandoned_waits_);
        remove(entry, Entry::State::Settled);]==])
