# Who was claimed stays in the list, and is claimed again.
set(tests groups)
set(header detail/waiter.hpp)
set(search [==[
        list.head_ = list.tail_ = nullptr;
]==])
set(replace [==[
]==])
