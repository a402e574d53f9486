# A request leaves the table when a handler takes it.
set(found_by "schedules: two requesters share one request, and both get what its handler answers")
set(header detail/request/request_table.hpp)
set(search [==[
        queue.unlink(*entry);
        entry->state_ = Entry::State::Taken;
]==])
set(replace [==[
        queue.unlink(*entry);
        entry->state_ = Entry::State::Taken;
        if (SEEDED) {
            entries_.erase(*entry);
            entry->self_.reset();
        }
]==])
