# cmake -DCXX=... -DFLAGS=... -DWORK_DIR=... -P needs.cmake
#
# Where the compiler lacks what the library needs, its first message is a sentence about that, and the only other one is the
# end of the compilation.

cmake_minimum_required(VERSION 3.22)

file(MAKE_DIRECTORY "${WORK_DIR}")
set(definitions "${FLAGS}")
list(FILTER definitions EXCLUDE REGEX "ASIO_HAS")

function(refuses header sentence)
    file(WRITE "${WORK_DIR}/needs.cpp" "#include <comoq/${header}.hpp>\n")
    execute_process(
        COMMAND "${CXX}" -fsyntax-only ${definitions} ${ARGN} "${WORK_DIR}/needs.cpp" RESULT_VARIABLE result ERROR_VARIABLE errors
    )
    string(REGEX MATCHALL ": (fatal )?error: " messages "${errors}")
    list(LENGTH messages count)
    if(result EQUAL 0 OR NOT errors MATCHES "${sentence}" OR NOT count EQUAL 2)
        message(FATAL_ERROR "comoq/${header}.hpp with '${ARGN}' does not say '${sentence}' and stop:\n${errors}")
    endif()
    message(STATUS "${header} with ${ARGN}: as it should be")
endfunction()

foreach(header IN ITEMS comoq path error lite/session qmux/negotiation)
    refuses(${header} "comoq needs C\\+\\+20: compile with -std=c\\+\\+20" -std=c++17)
    refuses(${header} "compile without -fno-rtti" -std=c++20 -fno-rtti)
    refuses(${header} "compile without -fno-exceptions" -std=c++20 -fno-exceptions)
endforeach()

# What asio 1.26 finds out by itself.
execute_process(COMMAND "${CXX}" --version OUTPUT_VARIABLE compiler)
file(WRITE "${WORK_DIR}/version.cpp" "#include <asio/version.hpp>\nasio_version = ASIO_VERSION\n")
execute_process(COMMAND "${CXX}" -E -P ${definitions} "${WORK_DIR}/version.cpp" OUTPUT_VARIABLE asio)
string(REGEX REPLACE ".*asio_version = ([0-9]+).*" "\\1" asio "${asio}")
if(compiler MATCHES "clang" AND asio LESS 102600)
    refuses(comoq "define ASIO_HAS_CO_AWAIT=1" -std=c++20)
endif()
