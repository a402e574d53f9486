# Whoever waits for a group that is evicted is not woken.
set(tests memory)
set(header detail/group_state.hpp)
set(search [==[
        released_ = true;
        wake.take(waits_);
]==])
set(replace [==[
        released_ = true;
]==])
