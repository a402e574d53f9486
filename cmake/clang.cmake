# Toolchain file of the presets clang, asan and tsan: the newest clang, by the names that distributions use.
# -DCMAKE_CXX_COMPILER=... or the variable CXX names another.
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
    find_program(
        COMOQ_CLANG
        NAMES clang++-22 clang++-21 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16 clang++
        DOC "The clang that the presets use"
    )
    if(NOT COMOQ_CLANG)
        message(FATAL_ERROR "clang++ not found (Debian: clang-19, and libclang-rt-19-dev for the sanitizers)")
    endif()
    set(CMAKE_CXX_COMPILER "${COMOQ_CLANG}")
endif()
