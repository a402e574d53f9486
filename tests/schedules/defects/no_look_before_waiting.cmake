# A wait begins without another look: what came since the first one is missed.
set(tests requests)
set(header detail/step.hpp)
set(search [==[
        if (rule_.available()) return false;
        rule_.waits()]==])
set(replace [==[
        rule_.waits()]==])
