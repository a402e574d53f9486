# The steps that build the tests or the benchmark, each with a compiler and checks of its own. .ci/run reads this file.

# It leaves the headers alone to the step oldest_clang, which takes half the time for them, and the schedules to theirs.
title_test="README's test command: g++, Debug, all warnings are errors; then what that command leaves out"
step_test() {
    COMOQ_TEST_HISTORIES=10000 cmake -DCOMOQ_WERROR=ON -P cmake/test.cmake
    ctest --test-dir build/test --no-tests=error -L '^again$'
}

# Without optimisation: this step does not check the figures, only that every workload still runs. It builds where the step
# test does, whose compiled library has the same flags.
title_bench="the benchmark: g++, Debug, all warnings are errors, every workload but compiling"
step_bench() {
    mkdir -p "$work/bench"
    cmake -S . -B build/test -DCMAKE_BUILD_TYPE=Debug "$debug" -DCOMOQ_WERROR=ON -DCOMOQ_BUILD_EXAMPLES=ON \
        -DCOMOQ_BUILD_BENCH=ON
    cmake --build build/test --target comoq_bench relay_load narrow_link
    build/test/tests/bench/comoq_bench --quick --json "$work/bench/bench.json" --svg "$work/bench/bench.svg" W{0..9} W11
}

# With the new asio if it was fetched, because the next step runs the same tests with that of this system.
title_asan="$clang and Debian 13's asio, AddressSanitizer and UndefinedBehaviorSanitizer, and the coverage of include/"
step_asan() {
    sanitizer_options
    local asio=()
    if [ -e "$work/debian13/complete" ]; then
        asio=("-DAsio_ROOT=$work/debian13/asio/usr")
    else
        echo "without Debian 13's asio"
    fi
    export LLVM_PROFILE_FILE=$work/asan/rest.profraw COMOQ_TEST_HISTORIES=1000
    CXX=$clang cmake "-DBUILD_DIR=$work/asan" -DCOMOQ_SANITIZE=address,undefined -DCOMOQ_WERROR=ON -DCOMOQ_BUILD_EXAMPLES=ON \
        "${asio[@]}" -P cmake/coverage.cmake
    cmake --build "$work/asan" --target examples/all tests/soak/all comoq_outsider
    ctest --test-dir "$work/asan" --no-tests=error -R '^(examples|soak)'
}

# Not with g++: GCC's ThreadSanitizer does not understand the fences in asio. A test on one thread cannot race: only files that
# start threads, or use what does, are built.
title_tsan="$clang, all warnings are errors, ThreadSanitizer, the tests that start threads"
step_tsan() {
    sanitizer_options
    local files
    files=$(cd tests && grep -lE '(std|asio)::(j?thread|thread_pool|async)\b' ./*.cpp ./detail/*/*.cpp ./histories/*.cpp ./lite/*.cpp \
        ./qmux/*.cpp ./websocket/*.cpp | paste -sd ';')
    CXX=$clang build_and_test tsan "-DCOMOQ_TESTS=$files"
}

# -O1 takes half as long again to compile, and a third of the time to run.
title_schedules="$clang, AddressSanitizer: every schedule of some threads, also with seeded defects"
step_schedules() {
    CXX=$clang cmake -S . -B "$work/schedules" -G Ninja -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1" -DCOMOQ_WERROR=ON \
        -DCOMOQ_BUILD_EXAMPLES=OFF -DCOMOQ_SANITIZE=address -DCOMOQ_SEED_DEFECTS=ON
    cmake --build "$work/schedules" --target tests/schedules/all
    ctest --test-dir "$work/schedules" --no-tests=error -R ^schedules
}

title_fuzz="the fuzzers of the histories, half a minute each side by side: $clang, AddressSanitizer"
step_fuzz() {
    CXX=$clang cmake -DSECONDS=30 "-DBUILD_DIR=$work/fuzz" -DCOMOQ_WERROR=ON -P cmake/fuzz.cmake
}

title_oldest_clang="$oldest_clang, Release, all warnings are errors, every header alone, and the examples"
step_oldest_clang() {
    command -v "$oldest_clang" >/dev/null || skip "there is no $oldest_clang for this system"
    # An example that lacks an include is seen without precompiled headers.
    CXX=$oldest_clang cmake --preset clang -B "$work/oldest_clang" -DCOMOQ_PRECOMPILE=OFF
    cmake --build "$work/oldest_clang" --target comoq_headers_alone examples/all comoq_outsider
    ctest --test-dir "$work/oldest_clang" --no-tests=error -R ^examples
}

build_and_test() {  # PRESET [OPTION...]
    # Random histories on one thread: the first step runs more of them, ten times as fast.
    export COMOQ_TEST_HISTORIES=1000
    cmake --preset "$@"
    cmake --build --preset "$1"
    ctest --preset "$1"
}

# For the programs that the step runs from here on.
sanitizer_options() {
    ASAN_OPTIONS=check_initialization_order=1:strict_string_checks=1:$(symbolizer)
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:$(symbolizer)
    export ASAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS=print_stacktrace=1
}
# Debian's has a version in its name, by which clang's run-time libraries do not look for it.
symbolizer() {
    local path
    path=$(command -v "llvm-symbolizer-${clang##*-}") && echo "external_symbolizer_path=$path" || true
}
