# A context that goes destroys waits that a completing call has claimed.
set(tests requests)
set(header detail/wait_service.hpp)
set(search [==[
            if (member->leave_source()) member->next_]==])
set(replace [==[
            member->leave_source();
            member->next_]==])
