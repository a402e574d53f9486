// Facts for the sanitizers about libraries that they cannot see into.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

// The reference count of an exception is in libstdc++.so, which is not instrumented: an exception that another thread
// released looks like a race with the thread that catches it.
extern "C" const char *__tsan_default_suppressions();
extern "C" const char *__tsan_default_suppressions() {
    return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}

#endif
#endif
