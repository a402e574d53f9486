# What was seen under the lock is taken without it.
set(tests groups)
set(header detail/step.hpp)
set(search [==[
        return rule_.take();]==])
set(replace [==[
        lock.unlock();
        return rule_.take();]==])
