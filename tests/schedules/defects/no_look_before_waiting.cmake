# A wait begins without another look: an item that came since the first one is missed.
set(found_by "schedules: two requesters share one request, and both get what its handler answers")
set(header detail/wait/step.hpp)
set(search [==[
        if (rule_.available()) return false;
        rule_.waits()]==])
set(replace [==[
        if (!SEEDED && rule_.available()) return false;
        rule_.waits()]==])
