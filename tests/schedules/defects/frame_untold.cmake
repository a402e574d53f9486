# Readers are not told of a frame.
set(found_by "schedules: every reader of a group gets every frame and the end")
set(header detail/media/group_state.hpp)
set(search [==[
        account(bytes_ + size, overhead_ + overhead);
        wake_readers(wake);
        if (is_first)]==])
set(replace [==[
        account(bytes_ + size, overhead_ + overhead);
        if (!SEEDED) wake_readers(wake);
        if (is_first)]==])
