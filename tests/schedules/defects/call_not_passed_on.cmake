# A step that was woken for a request and goes without it tells nobody.
set(found_by "schedules: a request reaches a handler that waits, though the context of another one goes at that moment")
set(header detail/wait/step.hpp)
set(search [==[
            if (!waited_.get()) return;
]==])
set(replace [==[
            if (SEEDED || !waited_.get()) return;
]==])
