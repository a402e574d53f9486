# cmake -P cmake/fuzz.cmake: builds the fuzzers of tests/fuzz with the newest clang of this system and runs them in parallel,
# a minute each. Before -P, -DSECONDS=3600 runs them longer, -DMACHINES="origin" fewer of them. Their corpus stays in corpus/
# of the build directory, and the next run continues with it. A failing input is written beside it, and
# `comoq_fuzz_MACHINE FILE` runs it again and prints the history.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

if(NOT SECONDS)
    set(SECONDS 60)
endif()
if(NOT MACHINES)
    set(MACHINES origin track memory codec ietf qmux qmux_connection websocket h3 hang)
endif()

comoq_setup(
    NAME fuzz
    PACKAGES Asio fmt
    OPTIONAL Wslay OpenSSL
    OPTIONS "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_CURRENT_LIST_DIR}/clang.cmake" -DCMAKE_BUILD_TYPE=Debug -DCOMOQ_BUILD_TESTS=OFF
            -DCOMOQ_BUILD_EXAMPLES=OFF -DCOMOQ_BUILD_FUZZ=ON
    TARGET comoq_fuzzers
)

set(commands)
foreach(machine IN LISTS MACHINES)
    if(machine STREQUAL "websocket" AND NOT EXISTS "${BUILD_DIR}/tests/fuzz/comoq_fuzz_websocket")
        message(STATUS "wslay or OpenSSL not found: skipping the fuzzer for WebSocket")
        continue()
    endif()
    if(machine STREQUAL "h3" AND NOT EXISTS "${BUILD_DIR}/tests/fuzz/comoq_fuzz_h3")
        message(STATUS "ngtcp2, nghttp3 or GnuTLS not found: skipping the fuzzer for HTTP/3")
        continue()
    endif()
    if(machine STREQUAL "hang" AND NOT EXISTS "${BUILD_DIR}/tests/fuzz/comoq_fuzz_hang")
        message(STATUS "nlohmann-json or zlib not found: skipping the fuzzer for hang")
        continue()
    endif()
    set(corpus "${BUILD_DIR}/corpus/${machine}")
    # The repository's inputs, from real peers, and random histories of some length to begin with: growing them from
    # nothing, a byte at a time, would take too long.
    file(GLOB seeds "${SOURCE_DIR}/tests/fuzz/corpus/${machine}/*")
    file(MAKE_DIRECTORY "${corpus}")
    if(seeds)
        file(COPY ${seeds} DESTINATION "${corpus}")
    endif()
    foreach(number RANGE 1 20)
        if(NOT EXISTS "${corpus}/first${number}")
            string(RANDOM LENGTH 300 RANDOM_SEED ${number} text)
            file(WRITE "${corpus}/first${number}" "${text}")
        endif()
    endforeach()
    # Some 200 steps of a few choices each.
    list(APPEND commands COMMAND "${BUILD_DIR}/tests/fuzz/comoq_fuzz_${machine}" -max_total_time=${SECONDS} -max_len=800
                         -timeout=20 -verbosity=0 -print_final_stats=1 "-artifact_prefix=${BUILD_DIR}/${machine}-" "${corpus}")
endforeach()
file(GLOB known "${BUILD_DIR}/*-crash-*" "${BUILD_DIR}/*-leak-*" "${BUILD_DIR}/*-oom-*" "${BUILD_DIR}/*-timeout-*")
execute_process(${commands} RESULTS_VARIABLE results)
if(NOT results MATCHES "^0(;0)*$")
    # The input may be on a machine that nobody sees again: `xxd -r -p` makes a file of these digits.
    file(GLOB found "${BUILD_DIR}/*-crash-*" "${BUILD_DIR}/*-leak-*" "${BUILD_DIR}/*-oom-*" "${BUILD_DIR}/*-timeout-*")
    list(REMOVE_ITEM found "" ${known})
    foreach(input IN LISTS found)
        file(READ "${input}" digits HEX)
        message("${input}: ${digits}")
    endforeach()
    message(FATAL_ERROR "A fuzzer has found a failure: ${results} (${MACHINES}). Its input is in ${BUILD_DIR}")
endif()
