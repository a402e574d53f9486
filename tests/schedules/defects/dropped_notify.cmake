# A waiting requester is not told of the answer.
set(found_by "schedules: two requesters share one request, and both get what its handler answers")
set(header detail/request/request_table.hpp)
set(search [==[
        wake.take(entry.requester_waits_);
        wake.take(entry.abandoned_waits_);
        remove(entry, Entry::State::Settled);]==])
set(replace [==[
        if (!SEEDED) wake.take(entry.requester_waits_);
        wake.take(entry.abandoned_waits_);
        remove(entry, Entry::State::Settled);]==])
