# A claimed waiter stays in the list, and is claimed again.
set(found_by "schedules: every reader of a group gets every frame and the end")
set(header detail/wait/waiter.hpp)
set(search [==[
        list.head_ = nullptr;
]==])
set(replace [==[
        if (!SEEDED) list.head_ = nullptr;
]==])
