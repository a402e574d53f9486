# Readers are not told of a frame.
set(tests groups)
set(header detail/group_state.hpp)
set(search [==[
        account(bytes_ + size);
        wake.take(waits_);
        if (is_first)]==])
set(replace [==[
        account(bytes_ + size);
        if (is_first)]==])
