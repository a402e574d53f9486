# A context does not wait for a call that is posting to it.
set(found_by "schedules: a context may go while another thread answers a wait on it")
set(header detail/wait/wait_service.hpp)
set(search [==[
        while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
]==])
set(replace [==[
        while (!SEEDED && posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
]==])
