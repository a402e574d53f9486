# Whoever waits for a group that is evicted is not woken.
set(tests memory)
set(found_by "schedules: what the pool takes from a reader he is told of, and what is used meanwhile is whole")
set(header detail/group_state.hpp)
set(search [==[
        released_ = true;
        wake.take(waits_);
]==])
set(replace [==[
        released_ = true;
]==])
