# A context that is destroyed also destroys waits that a completing call has claimed.
set(found_by "schedules: a context may go while another thread answers a wait on it")
set(header detail/wait/wait_service.hpp)
set(search [==[
            if (member->leave_source()) member->next_]==])
set(replace [==[
            if (member->leave_source() || SEEDED) member->next_]==])
