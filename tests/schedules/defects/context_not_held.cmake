# A context does not wait for who is posting to it.
set(tests requests)
set(header detail/wait_service.hpp)
set(search [==[
        while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
]==])
set(replace [==[
]==])
