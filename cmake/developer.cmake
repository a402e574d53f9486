# How the tests and examples are compiled; none of it reaches a user of the library.

add_library(comoq_developer INTERFACE)
target_link_libraries(comoq_developer INTERFACE comoq::comoq)
target_compile_options(
    comoq_developer
    INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion "$<$<BOOL:${COMOQ_WERROR}>:-Werror>"
)

if(COMOQ_SANITIZE)
    set(sanitizer_flags -fsanitize=${COMOQ_SANITIZE} -fno-sanitize-recover=all)
    target_compile_options(comoq_developer INTERFACE ${sanitizer_flags} -fno-omit-frame-pointer)
    target_link_options(comoq_developer INTERFACE ${sanitizer_flags})
    if(COMOQ_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        message(WARNING "GCC's ThreadSanitizer does not understand the fences in asio: its reports may be false, clang's "
                        "are not (preset tsan)")
        target_compile_options(comoq_developer INTERFACE -Wno-tsan)
    endif()
endif()
