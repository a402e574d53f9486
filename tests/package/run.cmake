# cmake -DWORK_DIR=directory [-DCMAKE_CXX_COMPILER=clang++] [-DROADS=PACKAGE;PKG_CONFIG] -P tests/package/run.cmake
#
# Installs comoq into a scratch prefix, moves that prefix, and builds and runs the project beside this file against it by
# every road, or by those that ROADS names. Anything in WORK_DIR is deleted first.

cmake_minimum_required(VERSION 3.22)

get_filename_component(SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
if(NOT WORK_DIR)
    message(FATAL_ERROR "Name a scratch directory: -DWORK_DIR=...")
endif()
get_filename_component(WORK_DIR "${WORK_DIR}" ABSOLUTE)
file(REMOVE_RECURSE "${WORK_DIR}")

set(common)
find_program(ninja NAMES ninja ninja-build)
if(ninja)
    list(APPEND common -G Ninja)
endif()
if(CMAKE_CXX_COMPILER)
    list(APPEND common "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}")
endif()

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message("${output}")
        message(FATAL_ERROR "This failed: ${command}")
    endif()
endfunction()

function(check_consumer road)
    set(directory "${WORK_DIR}/${road}")
    run("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${directory}" ${common} -DROAD=${road} ${ARGN})
    run("${CMAKE_COMMAND}" --build "${directory}")
    run("${directory}/consumer")
    set(what "")
    if(EXISTS "${directory}/websocket_consumer")
        run("${directory}/websocket_consumer")
        set(what ", with WebSocket")
    endif()
    if(EXISTS "${directory}/compiled_consumer")
        run("${directory}/compiled_consumer")
        string(APPEND what ", compiled once")
    endif()
    message(STATUS "${road}: built and ran${what}")
endfunction()

run(
    "${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${WORK_DIR}/build" ${common} "-DCMAKE_INSTALL_PREFIX=${WORK_DIR}/first"
    -DCOMOQ_BUILD_TESTS=OFF -DCOMOQ_BUILD_EXAMPLES=OFF
)
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${CMAKE_COMMAND}" --install "${WORK_DIR}/build")
set(prefix "${WORK_DIR}/moved here")
file(RENAME "${WORK_DIR}/first" "${prefix}")

if(NOT ROADS)
    set(ROADS PACKAGE SUBDIRECTORY FETCH PKG_CONFIG)
endif()
if("PACKAGE" IN_LIST ROADS)
    check_consumer(PACKAGE "-DCMAKE_PREFIX_PATH=${prefix}")
endif()
foreach(road IN ITEMS SUBDIRECTORY FETCH)
    if(road IN_LIST ROADS)
        check_consumer(${road} "-DCOMOQ_SOURCE_DIR=${SOURCE_DIR}")
    endif()
endforeach()
find_program(pkg_config NAMES pkg-config pkgconf)
if(NOT "PKG_CONFIG" IN_LIST ROADS)
elseif(pkg_config)
    check_consumer(PKG_CONFIG "-DCMAKE_PREFIX_PATH=${prefix}")
    set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig")
    run("${pkg_config}" --exact-version=0.1.0 comoq)
else()
    message(STATUS "PKG_CONFIG: not tried, there is no pkg-config here")
endif()

# The version file: patch and minor releases of the same 0.1 will do, others will not.
file(
    WRITE "${WORK_DIR}/versions/CMakeLists.txt"
    "cmake_minimum_required(VERSION 3.22)
project(versions LANGUAGES CXX)
foreach(pair 0.1:TRUE 0.1.0:TRUE 0.0.9:FALSE 0.2:FALSE 1.0:FALSE)
    string(REPLACE \":\" \";\" pair \"\${pair}\")
    list(GET pair 0 version)
    list(GET pair 1 wanted)
    find_package(comoq \${version} QUIET)
    if(wanted AND NOT comoq_FOUND OR NOT wanted AND comoq_FOUND)
        message(FATAL_ERROR \"find_package(comoq \${version}) says '\${comoq_FOUND}'\")
    endif()
endforeach()
"
)
run("${CMAKE_COMMAND}" -S "${WORK_DIR}/versions" -B "${WORK_DIR}/versions/build" ${common} "-DCMAKE_PREFIX_PATH=${prefix}")
message(STATUS "versions: as promised")

# The component: asked for where its dependencies are missing, it makes the package one that is not found.
file(
    WRITE "${WORK_DIR}/components/CMakeLists.txt"
    "cmake_minimum_required(VERSION 3.22)
project(components LANGUAGES CXX)
set(CMAKE_DISABLE_FIND_PACKAGE_Wslay ON)
find_package(comoq QUIET COMPONENTS websocket)
if(comoq_FOUND OR TARGET comoq::websocket)
    message(FATAL_ERROR \"There is a component websocket without wslay\")
endif()
find_package(comoq QUIET OPTIONAL_COMPONENTS websocket)
if(NOT comoq_FOUND OR comoq_websocket_FOUND)
    message(FATAL_ERROR \"Without its component websocket comoq is not found\")
endif()
find_package(comoq QUIET)
if(NOT comoq_FOUND OR TARGET comoq::websocket)
    message(FATAL_ERROR \"comoq needs wslay, or says that it has WebSocket without it\")
endif()
"
)
run("${CMAKE_COMMAND}" -S "${WORK_DIR}/components" -B "${WORK_DIR}/components/build" ${common} "-DCMAKE_PREFIX_PATH=${prefix}")
message(STATUS "components: as promised")
