# The common part of demo.cmake, test.cmake and bench.cmake: from a fresh clone to a built tree.
#
#   comoq_setup(NAME name PACKAGES package... [OPTIONAL package...] OPTIONS option... [TARGET target])
#
# installs a compiler, a build tool and the packages as far as they are missing, configures into build/name and builds there,
# and sets BUILD_DIR. It installs with apt if the system has apt; COMOQ_FETCH_DEPS then fetches packages that are still
# missing, except optional ones, which are left out. If nothing is missing, it needs neither the network nor a privilege.
#
# Before -P, `cmake -DVARIABLE=VALUE ... -P` takes BUILD_DIR (where to build) and every variable of COMOQ_*, CMAKE_*,
# FETCHCONTENT_* and *_ROOT, and passes them to the configuration.

cmake_minimum_required(VERSION 3.22)

get_filename_component(SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

# Variables of the command line. CMake adds the locations of its own programs to them.
set(GIVEN)
get_cmake_property(variables CACHE_VARIABLES)
foreach(variable IN LISTS variables)
    if(variable MATCHES "^(COMOQ_|CMAKE_|FETCHCONTENT_)|_ROOT$"
       AND NOT variable MATCHES "^CMAKE_(COMMAND|CPACK_COMMAND|CTEST_COMMAND|ROOT|GENERATOR)$"
    )
        string(REPLACE ";" "\\;" value "$CACHE{${variable}}")
        list(APPEND GIVEN "-D${variable}=${value}")
    endif()
endforeach()

function(comoq_setup)
    cmake_parse_arguments(ARG "" "NAME;TARGET" "PACKAGES;OPTIONAL;OPTIONS" ${ARGN})
    if(DEFINED COMOQ_WEBSOCKET AND NOT COMOQ_WEBSOCKET)
        list(REMOVE_ITEM ARG_OPTIONAL Wslay OpenSSL)
    endif()
    if(NOT BUILD_DIR)
        set(BUILD_DIR "${SOURCE_DIR}/build/${ARG_NAME}")
    endif()
    get_filename_component(BUILD_DIR "${BUILD_DIR}" ABSOLUTE)
    set(BUILD_DIR "${BUILD_DIR}" PARENT_SCOPE)

    comoq_tools(missing_tools)
    set(missing_packages)
    if(COMOQ_FETCH_DEPS)
        comoq_install("${missing_tools}")
    else()
        # The probe is a configuration of its own, and needs the tools; if they are missing, the rest may be missing too.
        if(missing_tools)
            set(missing_packages ${ARG_PACKAGES} ${ARG_OPTIONAL})
            comoq_install("${missing_tools}" ${missing_packages})
        else()
            comoq_probe(missing_packages ${ARG_PACKAGES} ${ARG_OPTIONAL})
            if(missing_packages)
                comoq_install("" ${missing_packages})
            endif()
        endif()
    endif()
    if(missing_tools)
        comoq_tools(missing_tools)
        if(missing_tools)
            list(JOIN missing_tools " and " names)
            message(FATAL_ERROR "Missing, and cannot be installed here: ${names}")
        endif()
    endif()
    if(missing_packages)
        comoq_probe(missing_packages ${ARG_PACKAGES})
        if(missing_packages)
            list(JOIN missing_packages ", " names)
            message(STATUS "Not installed: ${names}. Fetching (COMOQ_FETCH_DEPS)")
        endif()
    endif()
    # Set every time, because a build directory remembers the choice made before the packages were installed.
    if(missing_packages)
        list(APPEND ARG_OPTIONS -DCOMOQ_FETCH_DEPS=ON)
    else()
        list(APPEND ARG_OPTIONS -DCOMOQ_FETCH_DEPS=OFF)
    endif()

    message(STATUS "Configuring into ${BUILD_DIR}")
    comoq_generator("${BUILD_DIR}" generator)
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -S "${SOURCE_DIR}" -B "${BUILD_DIR}" ${generator} ${ARG_OPTIONS} ${GIVEN}
        RESULT_VARIABLE result
        OUTPUT_VARIABLE output
        ERROR_VARIABLE output
    )
    if(NOT result EQUAL 0)
        message("${output}")
        message(FATAL_ERROR "The configuration failed: see the reason above")
    endif()

    set(target)
    set(megabytes 3000)
    if(ARG_TARGET)
        set(target --target ${ARG_TARGET})
        set(megabytes 1000)
    endif()
    comoq_jobs(jobs ${megabytes})
    message(STATUS "Building, ${jobs} at a time")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" --build "${BUILD_DIR}" --parallel ${jobs} ${target}
        RESULT_VARIABLE result
    )
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "The build failed: see the reason above")
    endif()
endfunction()

# The missing ones of compiler and build tool, by their common names.
function(comoq_tools missing)
    set(names)
    unset(compiler)
    find_program(compiler NAMES $ENV{CXX} ${CMAKE_CXX_COMPILER} c++ g++ clang++ NO_CACHE)
    if(NOT compiler AND NOT DEFINED ENV{CXX})
        list(APPEND names "a C++ compiler")
    endif()
    unset(tool)
    find_program(tool NAMES ninja ninja-build make gmake NO_CACHE)
    if(NOT tool AND NOT DEFINED ENV{CMAKE_GENERATOR} AND NOT CMAKE_GENERATOR)
        list(APPEND names "a build tool (ninja or make)")
    endif()
    set(${missing} "${names}" PARENT_SCOPE)
endfunction()

# Ninja if it is installed, otherwise cmake's default; a configured directory keeps its generator.
function(comoq_generator directory arguments)
    set(${arguments} PARENT_SCOPE)
    if(EXISTS "${directory}/CMakeCache.txt")
        return()
    endif()
    if(CMAKE_GENERATOR)
        set(${arguments} -G "${CMAKE_GENERATOR}" PARENT_SCOPE)
        return()
    endif()
    unset(ninja)
    find_program(ninja NAMES ninja ninja-build NO_CACHE)
    if(ninja AND NOT DEFINED ENV{CMAKE_GENERATOR})
        set(${arguments} -G Ninja PARENT_SCOPE)
    endif()
endfunction()

# The packages that the real build would not find.
function(comoq_probe missing)
    set(directory "${BUILD_DIR}/probe")
    comoq_generator("${directory}" generator)
    # Packages that were not found may have been installed since: remember only those that were found.
    file(REMOVE "${directory}/missing.txt")
    execute_process(
        COMMAND "${CMAKE_COMMAND}" -S "${SOURCE_DIR}/cmake/probe" -B "${directory}" ${generator} "-DWANTED=${ARGN}" ${GIVEN}
        RESULT_VARIABLE result
        OUTPUT_VARIABLE output
        ERROR_VARIABLE output
    )
    if(NOT result EQUAL 0)
        message("${output}")
        message(FATAL_ERROR "The compiler does not work: see the reason above")
    endif()
    file(READ "${directory}/missing.txt" names)
    set(${missing} "${names}" PARENT_SCOPE)
endfunction()

# Installs with apt, if it exists and may be used, and reports that. The caller checks the result.
function(comoq_install tools)
    set(debian_Asio libasio-dev)
    set(debian_fmt libfmt-dev)
    set(debian_Catch2 catch2)
    set(debian_benchmark libbenchmark-dev)
    set(debian_Wslay libwslay-dev)
    set(debian_OpenSSL libssl-dev)
    set(debian_Doxygen doxygen)
    set(packages)
    if("a C++ compiler" IN_LIST tools)
        list(APPEND packages g++)
    endif()
    if("a build tool (ninja or make)" IN_LIST tools)
        list(APPEND packages ninja-build)
    endif()
    foreach(package IN LISTS ARGN)
        list(APPEND packages ${debian_${package}})
    endforeach()
    if(NOT packages)
        return()
    endif()
    list(JOIN packages " " names)

    unset(apt)
    find_program(apt apt-get NO_CACHE)
    if(NOT apt)
        message(STATUS "Missing, by their Debian names: ${names}. This system has no apt to install them")
        return()
    endif()
    unset(id)
    find_program(id id NO_CACHE)
    execute_process(COMMAND "${id}" -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(as_root)
    if(NOT user EQUAL 0)
        unset(sudo)
        find_program(sudo sudo NO_CACHE)
        if(NOT sudo)
            message(STATUS "Missing: ${names}. Installing them with apt needs root or sudo")
            return()
        endif()
        set(as_root "${sudo}")
    endif()

    set(apt ${as_root} env DEBIAN_FRONTEND=noninteractive "${apt}" -q -o DPkg::Lock::Timeout=300)
    message(STATUS "Installing with apt: ${names}")
    # One unreachable entry among several must not stop this: only the arrival of the packages matters.
    execute_process(COMMAND ${apt} update OUTPUT_VARIABLE output ERROR_VARIABLE output)
    execute_process(
        COMMAND ${apt} install -y --no-install-recommends ${packages}
        RESULT_VARIABLE result
        OUTPUT_VARIABLE more
        ERROR_VARIABLE more
    )
    if(NOT result EQUAL 0)
        message("${output}${more}")
        message(STATUS "apt could not install all of: ${names}")
    endif()
endfunction()

# As many as there are cores, of at most that many megabytes each. On this code a compiler takes up to a gigabyte; on the tests, which
# it takes 30 files at a time, 2.4.
function(comoq_jobs jobs each)
    if(DEFINED ENV{CMAKE_BUILD_PARALLEL_LEVEL})
        set(${jobs} "$ENV{CMAKE_BUILD_PARALLEL_LEVEL}" PARENT_SCOPE)
        return()
    endif()
    cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
    cmake_host_system_information(RESULT megabytes QUERY AVAILABLE_PHYSICAL_MEMORY)
    math(EXPR room "${megabytes} / ${each}")
    if(megabytes GREATER 0 AND room LESS cores)
        set(cores ${room})
    endif()
    if(cores LESS 1)
        set(cores 1)
    endif()
    set(${jobs} ${cores} PARENT_SCOPE)
endfunction()
