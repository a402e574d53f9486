# Every header compiles alone, may be included twice, and is not part of an include cycle.

if(COMOQ_CHECK_HEADERS)
    file(
        GLOB_RECURSE headers
        CONFIGURE_DEPENDS
        RELATIVE "${PROJECT_SOURCE_DIR}/include"
        "${PROJECT_SOURCE_DIR}/include/*.hpp"
    )
    if(NOT TARGET comoq::websocket)
        list(FILTER headers EXCLUDE REGEX "^comoq/(detail/)?(websocket|net/(web_|tls))")
    endif()
    if(NOT COMOQ_QUIC STREQUAL "ON")
        list(FILTER headers EXCLUDE REGEX "^comoq/((detail/)?(quic|h3|webtransport)/|net/quic_)")
    endif()
    if(NOT TARGET comoq::hang)
        list(FILTER headers EXCLUDE REGEX "^comoq/(detail/)?hang/")
    endif()
    set(sources)
    foreach(header IN LISTS headers)
        string(REGEX REPLACE "\\.hpp$" ".cpp" source "${PROJECT_BINARY_DIR}/headers_alone/${header}")
        file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n#include <${header}>\n")
        list(APPEND sources "${source}")
    endforeach()

    # All public headers in one file, in both orders: a name of one header must not change its meaning after another.
    set(public "${headers}")
    list(FILTER public EXCLUDE REGEX "/detail/|src\\.hpp$")
    foreach(order IN ITEMS forwards backwards)
        list(JOIN public ">\n#include <" all)
        file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/headers_alone/${order}.cpp" CONTENT "#include <${all}>\n")
        list(APPEND sources "${PROJECT_BINARY_DIR}/headers_alone/${order}.cpp")
        list(REVERSE public)
    endforeach()
    # These refuse to compile without their form.
    list(FILTER sources EXCLUDE REGEX "src\\.cpp$")

    # Those behind the door do without the functions, which cost a third of the time here: a header includes them at its end,
    # so what the header itself needs is seen without them, and what they need with the public headers.
    set(inside "${sources}")
    list(FILTER inside INCLUDE REGEX "/detail/")
    list(FILTER sources EXCLUDE REGEX "/detail/")
    add_library(comoq_headers_inside OBJECT ${inside})
    target_compile_definitions(comoq_headers_inside PRIVATE COMOQ_SEPARATE_COMPILATION ASIO_SEPARATE_COMPILATION)
    add_library(comoq_headers_alone OBJECT ${sources})
    foreach(target IN ITEMS comoq_headers_inside comoq_headers_alone)
        target_link_libraries(${target} PRIVATE comoq_developer "$<TARGET_NAME_IF_EXISTS:comoq::net_web>"
                                                "$<TARGET_NAME_IF_EXISTS:comoq::quic>" "$<TARGET_NAME_IF_EXISTS:comoq::hang>")
        # None of it is ever run.
        target_compile_options(${target} PRIVATE -O0 -g0)
    endforeach()
    add_dependencies(comoq_headers_alone comoq_headers_inside)
endif()

add_test(
    NAME "the includes of the headers have no cycle"
    COMMAND "${CMAKE_COMMAND}" -DINCLUDE_DIR=${PROJECT_SOURCE_DIR}/include -P
            "${PROJECT_SOURCE_DIR}/cmake/check_include_graph.cmake"
)
set_tests_properties("the includes of the headers have no cycle" PROPERTIES TIMEOUT 120)

add_test(
    NAME "configs may be made inside a co_await expression"
    COMMAND "${CMAKE_COMMAND}" -DINCLUDE_DIR=${PROJECT_SOURCE_DIR}/include -P
            "${PROJECT_SOURCE_DIR}/cmake/check_configs.cmake"
)
set_tests_properties("configs may be made inside a co_await expression" PROPERTIES TIMEOUT 120)
