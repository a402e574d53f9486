# Runs a program and checks everything it says:  cmake [-D...] -P check.cmake -- program arguments...
#
# EXIT         the exit code; 0 if not given. With any other one, stderr must be exactly one line.
# STDOUT       a regular expression that stdout matches
# STDOUT_FILE  a file that stdout equals
# STDERR       a regular expression that stderr matches; if not given, stderr is empty
# OUT_DIR, COUNT, REFERENCE
#              the directory is removed before the run, and holds exactly COUNT files equal to REFERENCE after it
cmake_minimum_required(VERSION 3.22)

set(command "")
set(in_command FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
    if(in_command)
        list(APPEND command "${CMAKE_ARGV${i}}")
    elseif(CMAKE_ARGV${i} STREQUAL "--")
        set(in_command TRUE)
    endif()
endforeach()

if(NOT DEFINED EXIT)
    set(EXIT 0)
endif()
if(OUT_DIR)
    file(REMOVE_RECURSE "${OUT_DIR}")
endif()

execute_process(
    COMMAND ${command}
    RESULT_VARIABLE exit
    OUTPUT_VARIABLE out
    ERROR_VARIABLE err
)

set(said "ran: ${command}\nexit: ${exit}\nstdout:\n${out}\nstderr:\n${err}")
if(NOT exit STREQUAL EXIT)
    message(FATAL_ERROR "The exit code should be ${EXIT}.\n${said}")
endif()
if(DEFINED STDOUT AND NOT out MATCHES "${STDOUT}")
    message(FATAL_ERROR "stdout should match: ${STDOUT}\n${said}")
endif()
if(STDOUT_FILE)
    file(READ "${STDOUT_FILE}" expected)
    if(NOT out STREQUAL expected)
        message(FATAL_ERROR "stdout should be:\n${expected}\n${said}")
    endif()
endif()
if(NOT DEFINED STDERR)
    if(NOT err STREQUAL "")
        message(FATAL_ERROR "stderr should be empty.\n${said}")
    endif()
elseif(NOT err MATCHES "${STDERR}")
    message(FATAL_ERROR "stderr should match: ${STDERR}\n${said}")
endif()
if(NOT EXIT STREQUAL "0" AND NOT err MATCHES "^[^\n]+\n$")
    message(FATAL_ERROR "stderr should be one line.\n${said}")
endif()

if(OUT_DIR)
    file(GLOB written "${OUT_DIR}/*")
    list(LENGTH written count)
    if(NOT count EQUAL COUNT)
        message(FATAL_ERROR "${OUT_DIR} should have ${COUNT} files and has ${count}.\n${said}")
    endif()
    foreach(file IN LISTS written)
        execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files "${file}" "${REFERENCE}" RESULT_VARIABLE differs)
        if(differs)
            message(FATAL_ERROR "${file} differs from ${REFERENCE}.")
        endif()
    endforeach()
endif()
