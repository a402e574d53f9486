# How the tests and examples are compiled. Users of the library are not affected.

add_library(comoq_developer INTERFACE)
target_link_libraries(comoq_developer INTERFACE comoq::comoq)
target_compile_options(
    comoq_developer
    INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion "$<$<BOOL:${COMOQ_WERROR}>:-Werror>"
)

# What g++ 12 saves for tests without optimisation, by thirty files of them together: it looks for memory to free each time that
# its heap has grown by a third, and finds little (40 s and 2.4 GB; 33 s and 2.9 GB if it waits for a GB, which cmake/setup.cmake
# counts on); it makes functions of std::move and std::forward (a twelfth of the time). Debian 12's other linker takes 4 s for the
# tests, its usual one 10.
set(light_compile)
set(light_link)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(light_compile "SHELL:--param ggc-min-heapsize=1000000" "SHELL:--param ggc-min-expand=300")
    if(CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
        list(APPEND light_compile -ffold-simple-inlines)
    endif()
    include(CheckLinkerFlag)
    check_linker_flag(CXX -fuse-ld=gold comoq_has_gold)
    if(comoq_has_gold)
        set(light_link "$<$<CONFIG:Debug>:-fuse-ld=gold>")
    endif()
endif()
target_compile_options(comoq_developer INTERFACE ${light_compile})
target_link_options(comoq_developer INTERFACE ${light_link})

if(COMOQ_SANITIZE)
    set(sanitizer_flags -fsanitize=${COMOQ_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(comoq_developer INTERFACE ${sanitizer_flags})
    target_link_options(comoq_developer INTERFACE ${sanitizer_flags})
    if(COMOQ_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        message(WARNING "GCC's ThreadSanitizer does not understand the fences in asio: its reports may be false, clang's "
                        "are not (preset tsan)")
        target_compile_options(comoq_developer INTERFACE -Wno-tsan)
    endif()
endif()

# Users, the schedules and the fuzzers build header-only by default. Everything else here has many source files, and compiles
# the library once for them; -DCOMOQ_COMPILED=OFF builds them header-only as well.
option(COMOQ_COMPILED "Tests, examples and benchmark: link comoq::compiled" ON)
add_library(comoq_developer_once INTERFACE)
target_link_libraries(comoq_developer_once INTERFACE comoq_developer "$<$<BOOL:${COMOQ_COMPILED}>:comoq::compiled>")
set(comoq_websocket_once "$<TARGET_NAME_IF_EXISTS:comoq::websocket>")
set(comoq_quic_once "$<TARGET_NAME_IF_EXISTS:comoq::quic>")
set(comoq_net_quic_once "$<TARGET_NAME_IF_EXISTS:comoq::net_quic>")
set(comoq_net_once comoq::net "$<TARGET_NAME_IF_EXISTS:comoq::net_web>")
set(comoq_hang_once "$<TARGET_NAME_IF_EXISTS:comoq::hang>")
if(COMOQ_COMPILED)
    set(comoq_hang_once "$<TARGET_NAME_IF_EXISTS:comoq::compiled_hang>")
    set(comoq_websocket_once "$<TARGET_NAME_IF_EXISTS:comoq::compiled_websocket>")
    set(comoq_net_once comoq::compiled_net "$<TARGET_NAME_IF_EXISTS:comoq::compiled_net_web>")
    set(comoq_quic_once "$<TARGET_NAME_IF_EXISTS:comoq::compiled_quic>")
    set(comoq_net_quic_once "$<TARGET_NAME_IF_EXISTS:comoq::compiled_net_quic>")
    foreach(library IN ITEMS comoq_compiled comoq_compiled_websocket comoq_compiled_net comoq_compiled_net_web comoq_compiled_quic
                             comoq_compiled_net_quic comoq_compiled_hang)
        if(TARGET ${library})
            target_compile_options(${library} PRIVATE ${sanitizer_flags} ${light_compile} -Wall -Wextra -Wpedantic -Wshadow -Wconversion "$<$<BOOL:${COMOQ_WERROR}>:-Werror>")
        endif()
    endforeach()
endif()

# Reading the headers is half of what an example costs: with g++ 12, some 3.5 s of a processor each time. Targets that are compiled
# with the same options read them once.
option(COMOQ_PRECOMPILE "Tests and examples: precompile the headers that most files include" ON)
if(COMOQ_PRECOMPILE AND COMOQ_COMPILED)
    file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/comoq_precompiled.cpp" CONTENT "// Its headers are precompiled.\n")
    add_library(comoq_precompiled OBJECT EXCLUDE_FROM_ALL "${CMAKE_CURRENT_BINARY_DIR}/comoq_precompiled.cpp")
    target_link_libraries(comoq_precompiled PRIVATE comoq_developer_once)
    target_precompile_headers(
        comoq_precompiled PRIVATE
        <asio/co_spawn.hpp> <asio/detached.hpp> <asio/io_context.hpp> <asio/signal_set.hpp> <asio/steady_timer.hpp>
        <asio/thread_pool.hpp> <asio/use_future.hpp> <comoq/comoq.hpp> <comoq/net/connect.hpp> <comoq/net/listener.hpp>
        <fmt/format.h>
    )
endif()
function(comoq_precompiled)
    if(TARGET comoq_precompiled)
        foreach(target IN LISTS ARGN)
            if(TARGET ${target})
                target_precompile_headers(${target} REUSE_FROM comoq_precompiled)
            endif()
        endforeach()
    endif()
endfunction()
