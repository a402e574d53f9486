# cmake [-DBUILD_DIR=directory] -P cmake/docs.cmake
#
# Writes the API reference into build/docs/html by doxygen, which it installs with apt if it is missing. Fails on every
# warning, such as a public member without a comment, and on every public signature that names a type of `detail`.

cmake_minimum_required(VERSION 3.22)
include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

if(NOT BUILD_DIR)
    set(BUILD_DIR "${SOURCE_DIR}/build/docs")
endif()
get_filename_component(OUTPUT "${BUILD_DIR}" ABSOLUTE)

find_program(doxygen doxygen NO_CACHE)
if(NOT doxygen)
    comoq_install("" Doxygen)
    find_program(doxygen doxygen NO_CACHE)
endif()
find_program(awk NAMES awk mawk gawk NO_CACHE)
if(NOT doxygen OR NOT awk)
    message(FATAL_ERROR "The reference needs doxygen 1.9.4 or newer, and awk")
endif()

file(STRINGS "${SOURCE_DIR}/include/comoq/version.hpp" numbers REGEX "^#define COMOQ_VERSION_[MP][A-Z]+ [0-9]+$")
string(REGEX REPLACE "[^;0-9]" "" version "${numbers}")
string(REPLACE ";" "." version "${version}")

file(REMOVE_RECURSE "${OUTPUT}/html" "${OUTPUT}/xml")
file(MAKE_DIRECTORY "${OUTPUT}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in" "${OUTPUT}/Doxyfile" @ONLY)
execute_process(COMMAND "${doxygen}" "${OUTPUT}/Doxyfile" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
file(READ "${OUTPUT}/warnings.txt" warnings)
if(NOT result EQUAL 0 OR NOT warnings STREQUAL "")
    message(FATAL_ERROR "doxygen warns:\n${warnings}${output}")
endif()

file(GLOB pages "${OUTPUT}/xml/class*.xml" "${OUTPUT}/xml/struct*.xml" "${OUTPUT}/xml/namespace*.xml")
set(faults)
foreach(page IN LISTS pages)
    execute_process(
        COMMAND "${awk}" -f "${CMAKE_CURRENT_LIST_DIR}/doxygen_check.awk" "${page}"
        OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY
    )
    string(APPEND faults "${lines}")
endforeach()
if(faults)
    message(FATAL_ERROR "These public signatures name a type of detail:\n${faults}")
endif()
list(LENGTH pages count)
message(STATUS "reference: ${count} pages without a warning, ${OUTPUT}/html/index.html")
