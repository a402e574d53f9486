# cmake -P cmake/bench.cmake: installs missing packages, builds comoq_bench and runs it. -DPEER=ON before -P also builds the
# Rust peer with cargo and compares with it. -DARGUMENTS="W1;--rounds;5" is passed to comoq_bench. The results are written
# to bench.json and bench.svg in the build directory.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

comoq_setup(
    NAME bench
    PACKAGES Asio fmt benchmark
    OPTIONS -DCMAKE_BUILD_TYPE=Release -DCOMOQ_BUILD_TESTS=OFF -DCOMOQ_BUILD_EXAMPLES=OFF -DCOMOQ_BUILD_BENCH=ON
    TARGET comoq_bench
)

find_program(comoq_bench comoq_bench PATHS "${BUILD_DIR}/tests/bench" "${BUILD_DIR}/tests/bench/Release" NO_DEFAULT_PATH NO_CACHE)
set(command "${comoq_bench}" --json "${BUILD_DIR}/bench.json" --svg "${BUILD_DIR}/bench.svg")
if(PEER)
    find_program(cargo cargo PATHS "$ENV{HOME}/.cargo/bin" NO_CACHE)
    if(NOT cargo)
        message(FATAL_ERROR "The peer needs cargo (rustup, or Debian's package cargo), and a network for its crates")
    endif()
    message(STATUS "Building the peer")
    execute_process(
        COMMAND
            "${CMAKE_COMMAND}" -E env "CARGO_TARGET_DIR=${BUILD_DIR}/peer" "${cargo}" build --release --locked --quiet
            --manifest-path "${SOURCE_DIR}/tests/bench/peer/Cargo.toml"
        RESULT_VARIABLE result
    )
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "The peer could not be built")
    endif()
    list(APPEND command --peer "${BUILD_DIR}/peer/release/peer")
endif()
execute_process(COMMAND ${command} ${ARGUMENTS} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "comoq_bench failed: ${result}")
endif()
