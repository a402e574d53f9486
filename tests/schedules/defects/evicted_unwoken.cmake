# A reader that waits for a group is not woken when that is evicted.
set(found_by "schedules: what the pool takes from a reader he is told of, and what is used meanwhile is whole")
set(header detail/media/group_state.hpp)
set(search [==[
        if (!held_) leave_pool();
        wake_readers(wake);
]==])
set(replace [==[
        if (!held_) leave_pool();
        if (!SEEDED) wake_readers(wake);
]==])
