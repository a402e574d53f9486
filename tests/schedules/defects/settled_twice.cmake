# A request is settled again.
set(found_by "schedules: of accept, reject, an announcement and the handler's end one decides")
set(header detail/request/request_table.hpp)
set(search [==[
        if (entry.state_ != Entry::State::Queued && entry.state_ != Entry::State::Taken) return false;
]==])
set(replace [==[
        if (!SEEDED && entry.state_ != Entry::State::Queued && entry.state_ != Entry::State::Taken) return false;
]==])
