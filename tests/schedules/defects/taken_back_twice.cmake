# A claimed waiter is taken out of the list as well.
set(found_by "schedules: a context may go while another thread answers a wait on it")
set(header detail/wait/waiter.hpp)
set(search [==[
        if (!waiter.linked_) return false;
]==])
set(replace [==[
        if (!SEEDED && !waiter.linked_) return false;
]==])
