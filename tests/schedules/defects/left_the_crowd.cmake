# A subscriber is not told of anything any more once one of its steps goes, though others of its steps wait.
set(found_by "schedules: of two steps of a subscriber one goes with its context, and the other gets the group")
set(header detail/media/crowd_waits.hpp)
set(search [==[
    if (waits_.empty()) leave();
    return true;]==])
set(replace [==[
    if (waits_.empty() || SEEDED) leave();
    return true;]==])
