# Every header compiles alone, may be included twice, and stands in no cycle of includes.

if(COMOQ_CHECK_HEADERS)
    file(
        GLOB_RECURSE headers
        CONFIGURE_DEPENDS
        RELATIVE "${PROJECT_SOURCE_DIR}/include"
        "${PROJECT_SOURCE_DIR}/include/*.hpp"
    )
    if(NOT TARGET comoq::websocket)
        list(FILTER headers EXCLUDE REGEX "^comoq/websocket/")
    endif()
    set(sources)
    foreach(header IN LISTS headers)
        string(REGEX REPLACE "\\.hpp$" ".cpp" source "${PROJECT_BINARY_DIR}/headers_alone/${header}")
        file(CONFIGURE OUTPUT "${source}" CONTENT "#include <${header}>\n#include <${header}>\n")
        list(APPEND sources "${source}")
    endforeach()

    add_library(comoq_headers_alone OBJECT ${sources})
    target_link_libraries(comoq_headers_alone PRIVATE comoq_developer "$<TARGET_NAME_IF_EXISTS:comoq::websocket>")
    # Nothing of it is ever run.
    target_compile_options(comoq_headers_alone PRIVATE -O0 -g0)
endif()

add_test(
    NAME "the includes of the headers have no cycle"
    COMMAND "${CMAKE_COMMAND}" -DINCLUDE_DIR=${PROJECT_SOURCE_DIR}/include -P
            "${PROJECT_SOURCE_DIR}/cmake/check_include_graph.cmake"
)
set_tests_properties("the includes of the headers have no cycle" PROPERTIES TIMEOUT 120)
