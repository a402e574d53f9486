# A stream that has failed before somebody wants to be told of it says nothing.
set(found_by "schedules: a session is told once of each stream that fails, also of one that fails while it begins")
set(header detail/stream/send_half.hpp)
set(search [==[
        if (hook != nullptr && over()) ]==])
set(replace [==[
        if (!SEEDED && hook != nullptr && over()) ]==])
