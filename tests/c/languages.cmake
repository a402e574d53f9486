# cmake -DSOURCE_DIR=... -P languages.cmake: compiles the programs in C, as C11 and as C++20, with each compiler that is here.
cmake_minimum_required(VERSION 3.22)

file(GLOB sources "${SOURCE_DIR}/tests/c/*.c" "${SOURCE_DIR}/examples/c/*.c")
set(tried 0)
foreach(language IN ITEMS c c++)
    set(names gcc clang clang-19 clang-16)
    set(standard -std=c11)
    if(language STREQUAL "c++")
        set(names g++ clang++ clang++-19 clang++-16)
        set(standard -std=c++20)
    endif()
    foreach(name IN LISTS names)
        unset(compiler)
        find_program(compiler "${name}" NO_CACHE)
        if(NOT compiler)
            continue()
        endif()
        math(EXPR tried "${tried} + 1")
        execute_process(
            COMMAND "${compiler}" -x ${language} ${standard} -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -fsyntax-only "-DCOMOQ_CERTIFICATES=\".\""
                    "-I${SOURCE_DIR}/include" ${sources}
            RESULT_VARIABLE result
        )
        if(NOT result EQUAL 0)
            message(FATAL_ERROR "${name} refuses the C programs as ${standard}")
        endif()
    endforeach()
endforeach()
message(STATUS "${tried} compilers")
