# Compiles ignored.cpp: the compiler must warn in the lines that say so, and in no other.
#   cmake -DCXX=... -DFLAGS=... -DSOURCE_DIR=... -P ignored.cmake

cmake_minimum_required(VERSION 3.22)

file(STRINGS "${SOURCE_DIR}/ignored.cpp" lines)
set(expected)
set(number 0)
foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "// warned$")
        list(APPEND expected ${number})
    endif()
endforeach()

# The declarations are the same in either form, and alone they take a quarter of the time.
execute_process(
    COMMAND "${CXX}" -std=c++20 -fsyntax-only -Wall -Wextra ${FLAGS} -DCOMOQ_SEPARATE_COMPILATION -DASIO_SEPARATE_COMPILATION
            "${SOURCE_DIR}/ignored.cpp"
    RESULT_VARIABLE failed
    ERROR_VARIABLE messages
)
if(failed)
    message(FATAL_ERROR "ignored.cpp does not compile:\n${messages}")
endif()

string(REGEX MATCHALL "ignored\\.cpp:[0-9]+:[0-9]+: warning" warnings "${messages}")
set(seen)
foreach(warning IN LISTS warnings)
    string(REGEX REPLACE "ignored\\.cpp:([0-9]+):.*" "\\1" number "${warning}")
    list(APPEND seen ${number})
endforeach()
list(REMOVE_DUPLICATES seen)
list(SORT seen COMPARE NATURAL)
if(NOT seen STREQUAL expected)
    message(FATAL_ERROR "The compiler warns in the lines ${seen} of ignored.cpp, and should in ${expected}:\n${messages}")
endif()
