// What the sanitizers need to know of libraries that they do not see into.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

// The count of references to an exception lives in libstdc++.so, which is not instrumented: an exception that another
// thread let go of looks like a race with who catches it.
extern "C" const char *__tsan_default_suppressions();
extern "C" const char *__tsan_default_suppressions() {
    return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}

#endif
#endif
