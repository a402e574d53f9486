# cmake -DWORK_DIR=directory [-DCMAKE_CXX_COMPILER=g++] [-DSECOND_COMPILER=clang++] [-DROADS=PACKAGE;PKG_CONFIG]
#       -P tests/package/run.cmake
#
# Builds and runs a small program that uses comoq, by every road or by those that ROADS names:
#   PACKAGE       find_package, an installed copy that was moved; also with comoq::compiled, and by the second compiler
#   SUBDIRECTORY  add_subdirectory
#   FETCH         FetchContent
#   PKG_CONFIG    a compiler and pkg-config alone
#   DEBIAN        the package that cpack makes, unpacked
#   SINGLE        the single header, a file by each compiler
#   VCPKG         the port, with functions of vcpkg as far as it calls them
#   CONAN         the recipe, with a Conan from PyPI and this system's libraries
# Each program is one small source file, because the roads differ in what they bring and not in what is compiled. Anything in
# WORK_DIR is deleted first.

cmake_minimum_required(VERSION 3.22)

get_filename_component(SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
set(HERE "${CMAKE_CURRENT_LIST_DIR}")
if(NOT WORK_DIR)
    message(FATAL_ERROR "Name a scratch directory: -DWORK_DIR=...")
endif()
get_filename_component(WORK_DIR "${WORK_DIR}" ABSOLUTE)
file(REMOVE_RECURSE "${WORK_DIR}")
if(NOT CMAKE_CXX_COMPILER)
    set(CMAKE_CXX_COMPILER c++)
endif()
if(NOT ROADS)
    set(ROADS PACKAGE SUBDIRECTORY FETCH PKG_CONFIG DEBIAN SINGLE VCPKG CONAN)
endif()
if(NOT SECOND_COMPILER)
    set(SECOND_COMPILER "${CMAKE_CXX_COMPILER}")
endif()

find_program(ninja NAMES ninja ninja-build)
if(ninja)
    set(ENV{CMAKE_GENERATOR} Ninja)
endif()
set(first "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}")
set(second "-DCMAKE_CXX_COMPILER=${SECOND_COMPILER}")

file(STRINGS "${SOURCE_DIR}/include/comoq/version.hpp" lines REGEX "^#define COMOQ_VERSION_[MP][A-Z]+ [0-9]+$")
string(REGEX REPLACE "[^;0-9]" "" version "${lines}")
string(REPLACE ";" "." version "${version}")

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message("${output}")
        message(FATAL_ERROR "This failed: ${command}")
    endif()
endfunction()

string(TIMESTAMP begin "%s" UTC)
macro(done text)
    string(TIMESTAMP now "%s" UTC)
    math(EXPR seconds "${now} - ${begin}")
    message(STATUS "${text}, ${seconds} s")
    string(TIMESTAMP begin "%s" UTC)
endmacro()

# A compiler as it is, with what pkg-config says and nothing else.
function(compile_with_pkg_config source program)
    execute_process(
        COMMAND "${pkg_config}" --cflags --libs ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE flags ERROR_VARIABLE output
    )
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "pkg-config ${ARGN}: ${output}")
    endif()
    separate_arguments(flags UNIX_COMMAND "${flags}")
    run("${CMAKE_CXX_COMPILER}" -std=c++20 "${HERE}/${source}" ${flags} -o "${program}")
    run("${program}")
endfunction()

# The project beside this file.
function(check_consumer directory)
    run("${CMAKE_COMMAND}" -S "${HERE}" -B "${directory}" ${ARGN})
    run("${CMAKE_COMMAND}" --build "${directory}")
    set(text "built and ran")
    foreach(program IN ITEMS consumer compiled_consumer websocket_consumer net_consumer)
        if(EXISTS "${directory}/${program}")
            run("${directory}/${program}")
            if(program MATCHES "^(.*)_")
                string(APPEND text ", ${CMAKE_MATCH_1}")
            endif()
        endif()
    endforeach()
    set(text "${text}" PARENT_SCOPE)
endfunction()

run(
    "${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${WORK_DIR}/build" "${first}" "-DCMAKE_INSTALL_PREFIX=${WORK_DIR}/first"
    -DCOMOQ_BUILD_TESTS=OFF -DCOMOQ_BUILD_EXAMPLES=OFF
)
run("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
run("${CMAKE_COMMAND}" --install "${WORK_DIR}/build")
set(prefix "${WORK_DIR}/moved here")
file(RENAME "${WORK_DIR}/first" "${prefix}")
foreach(file IN ITEMS LICENSE CHANGELOG.md)
    if(NOT EXISTS "${prefix}/share/doc/comoq/${file}")
        message(FATAL_ERROR "${file} is not installed")
    endif()
endforeach()
file(STRINGS "${WORK_DIR}/build/CMakeCache.txt" wslay REGEX "^Wslay_LIBRARY:.*NOTFOUND")
set(websocket True)
if(wslay)
    set(websocket False)
endif()
done("install: ${version}")

if("PACKAGE" IN_LIST ROADS)
    check_consumer(
        "${WORK_DIR}/package" "${first}" -DROAD=PACKAGE
        -DCOMPILED=ON -DWEBSOCKET=${websocket} "-DCMAKE_PREFIX_PATH=${prefix}"
    )
    done("PACKAGE: ${text}")
    if(NOT SECOND_COMPILER STREQUAL CMAKE_CXX_COMPILER)
        check_consumer("${WORK_DIR}/second" "${second}" -DROAD=PACKAGE "-DCMAKE_PREFIX_PATH=${prefix}")
        done("PACKAGE with ${SECOND_COMPILER}: ${text}")
    endif()
endif()

foreach(road IN ITEMS SUBDIRECTORY FETCH)
    if(road IN_LIST ROADS)
        check_consumer("${WORK_DIR}/${road}" "${first}" -DROAD=${road} "-DCOMOQ_SOURCE_DIR=${SOURCE_DIR}")
        done("${road}: ${text}")
    endif()
endforeach()

find_program(pkg_config NAMES pkg-config pkgconf)
if(NOT "PKG_CONFIG" IN_LIST ROADS)
elseif(pkg_config)
    set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig")
    run("${pkg_config}" "--exact-version=${version}" comoq comoq-net)
    file(MAKE_DIRECTORY "${WORK_DIR}/pkg_config")
    compile_with_pkg_config(consumer.cpp "${WORK_DIR}/pkg_config/consumer" comoq)
    set(text "built and ran")
    if(websocket)
        compile_with_pkg_config(websocket.cpp "${WORK_DIR}/pkg_config/websocket_consumer" comoq-websocket)
        compile_with_pkg_config(net.cpp "${WORK_DIR}/pkg_config/net_consumer" comoq-net-web)
        string(APPEND text ", websocket, net")
    endif()
    done("PKG_CONFIG: ${text}")
else()
    message(STATUS "PKG_CONFIG: not tried, there is no pkg-config here")
endif()

find_program(dpkg_deb dpkg-deb)
if(NOT "DEBIAN" IN_LIST ROADS)
elseif(dpkg_deb AND pkg_config)
    get_filename_component(bin "${CMAKE_COMMAND}" DIRECTORY)
    run("${bin}/cpack" --config "${WORK_DIR}/build/CPackConfig.cmake" -B "${WORK_DIR}/debian")
    set(package "${WORK_DIR}/debian/libcomoq-dev_${version}_all.deb")
    execute_process(COMMAND "${dpkg_deb}" --field "${package}" OUTPUT_VARIABLE fields COMMAND_ERROR_IS_FATAL ANY)
    foreach(line IN ITEMS "Package: libcomoq-dev" "Version: ${version}" "Architecture: all" "Section: libdevel"
                          "Depends: libasio-dev (>= 1:1.22), libfmt-dev (>= 9)" "Recommends: libwslay-dev, libssl-dev"
    )
        string(FIND "\n${fields}" "\n${line}\n" at)
        if(at EQUAL -1)
            message(FATAL_ERROR "The package does not say '${line}':\n${fields}")
        endif()
    endforeach()
    set(root "${WORK_DIR}/debian/root")
    run("${dpkg_deb}" -x "${package}" "${root}")
    if(NOT EXISTS "${root}/usr/share/doc/libcomoq-dev/copyright")
        message(FATAL_ERROR "The package has no copyright file")
    endif()
    set(ENV{PKG_CONFIG_PATH} "${root}/usr/share/pkgconfig")
    compile_with_pkg_config(consumer.cpp "${WORK_DIR}/debian/consumer" comoq)
    done("DEBIAN: built and ran")
else()
    message(STATUS "DEBIAN: not tried, there is no dpkg-deb, or no pkg-config")
endif()

if("SINGLE" IN_LIST ROADS)
    set(directory "${WORK_DIR}/single")
    run("${CMAKE_COMMAND}" "-DOUTPUT=${directory}/comoq.hpp" -P "${SOURCE_DIR}/cmake/single_header.cmake")
    set(launcher)
    if(DEFINED ENV{CMAKE_CXX_COMPILER_LAUNCHER})
        set(launcher "$ENV{CMAKE_CXX_COMPILER_LAUNCHER}")
    endif()
    # Two processes, side by side: the pipe between them carries nothing. Older asio's needs the definitions with clang.
    set(flags -std=c++20 -DASIO_STANDALONE -DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1 "-I${directory}"
              -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -c "${HERE}/single.cpp"
    )
    execute_process(
        COMMAND ${launcher} "${CMAKE_CXX_COMPILER}" ${flags} -o "${directory}/first.o"
        COMMAND ${launcher} "${SECOND_COMPILER}" ${flags} -DSECOND -o "${directory}/second.o"
        RESULTS_VARIABLE results
        OUTPUT_VARIABLE output
        ERROR_VARIABLE output
    )
    if(NOT results STREQUAL "0;0")
        message(FATAL_ERROR "The single header does not compile:\n${output}")
    endif()
    run("${CMAKE_CXX_COMPILER}" "${directory}/first.o" "${directory}/second.o" -lfmt -pthread -o "${directory}/consumer")
    run("${directory}/consumer")
    done("SINGLE: built and ran")
endif()

if("VCPKG" IN_LIST ROADS)
    set(directory "${WORK_DIR}/vcpkg")
    run("${CMAKE_COMMAND}" "-DWORK_DIR=${directory}" "-DWEBSOCKET=${websocket}" "-DVERSION=${version}" -P "${HERE}/vcpkg.cmake")
    check_consumer("${directory}/consumer" "${first}" -DROAD=PACKAGE "-DCMAKE_PREFIX_PATH=${directory}/packages")
    done("VCPKG: ${text}")
endif()

if("CONAN" IN_LIST ROADS)
    set(directory "${WORK_DIR}/conan")
    set(result 1)
    find_program(python NAMES python3)
    if(python)
        execute_process(
            COMMAND "${python}" -m venv "${directory}/venv" RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
        )
    endif()
    if(result EQUAL 0)
        execute_process(
            COMMAND "${directory}/venv/bin/pip" install --quiet --disable-pip-version-check -r "${HERE}/requirements.txt"
            RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output
        )
    endif()
    if(NOT result EQUAL 0)
        message(STATUS "CONAN: not tried, the package conan of PyPI cannot be had")
    else()
        set(conan "${directory}/venv/bin/conan")
        set(ENV{CONAN_HOME} "${directory}/home")
        run("${conan}" profile detect)
        # The versions say only that what the system has is new enough.
        file(
            APPEND "${directory}/home/profiles/default"
            "\n[platform_requires]\nasio/1.22.1\nfmt/9.1.0\nwslay/1.1.1\nopenssl/3.0.0\n"
        )
        set(options -nr -s compiler.cppstd=20 -o "comoq/*:websocket=${websocket}")
        run("${conan}" create "${SOURCE_DIR}/cmake/packaging/conan" ${options})
        run(
            "${conan}" install "--requires=comoq/${version}" ${options} -g CMakeDeps -g CMakeToolchain -of "${directory}/toolchain"
        )
        check_consumer(
            "${directory}/consumer" "-DCMAKE_TOOLCHAIN_FILE=${directory}/toolchain/conan_toolchain.cmake"
            -DCMAKE_BUILD_TYPE=Release -DROAD=PACKAGE
        )
        done("CONAN: ${text}")
    endif()
endif()

# The version file: patch releases of the same minor version will do, others will not.
file(
    WRITE "${WORK_DIR}/versions/CMakeLists.txt"
    "cmake_minimum_required(VERSION 3.22)
project(versions LANGUAGES CXX)
foreach(pair 0.2:TRUE 0.2.0:TRUE 0.1:FALSE 0.1.9:FALSE 0.3:FALSE 1.0:FALSE)
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
run("${CMAKE_COMMAND}" -S "${WORK_DIR}/versions" -B "${WORK_DIR}/versions/build" "${first}" "-DCMAKE_PREFIX_PATH=${prefix}")
done("versions: as promised")

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
run("${CMAKE_COMMAND}" -S "${WORK_DIR}/components" -B "${WORK_DIR}/components/build" "${first}" "-DCMAKE_PREFIX_PATH=${prefix}")
done("components: as promised")
