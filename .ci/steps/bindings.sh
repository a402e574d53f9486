# The step for the C interface and the packages on it. .ci/run reads this file.

# Whoever wants to see how fast the bindings are builds with optimisation: this step checks what they do.
title_bindings="comoq::c: g++, Debug, all warnings are errors: its tests, the programs in C, and the packages for Python, Go, Kotlin and Swift"
step_bindings() {
    local build=$work/bindings/build
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "$debug" -DCOMOQ_WERROR=ON -DCOMOQ_C=ON -DCOMOQ_QUIC=OFF -DCOMOQ_HANG=OFF \
        -DCOMOQ_BUILD_EXAMPLES=ON -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF "-DCOMOQ_TESTS=version.cpp"
    cmake --build "$build" --target comoq_c tests/c/all examples/c/all
    ctest --test-dir "$build" --no-tests=error -R '^c: '
    begin_relay "$work/bindings/c_relay.log" "$build/examples/c/relay" tcp://127.0.0.1:0
    bind_python "$build/libcomoq_c.so" "$(sed -n 1p "$work/bindings/c_relay.log")"
    if [ -x build/test/examples/relay ]; then
        begin_relay "$work/bindings/relay.log" build/test/examples/relay --listen tcp://127.0.0.1:0
        export COMOQ_TEST_RELAY
        COMOQ_TEST_RELAY=$(sed -n 's/.*event=listening url=//p' "$work/bindings/relay.log" | sed -n 1p)
        "$work/bindings/venv/bin/python" -m unittest discover -s examples/bindings/python/tests -k relay
    fi
    if [ -d "$work/interop/js/node_modules" ] && [ -x build/test/tests/interop/comoq_interop_peer ]; then
        node "$work/interop/js/run.mjs" --only 'relay: ' --logs "$work/bindings/logs" --relay "$build/tests/c/comoq_c_interop_relay" \
            --peer "$PWD/build/test/tests/interop/comoq_interop_peer"
    else
        echo "WITHOUT the relay in C between the stock JavaScript peers: the step interop was not run"
    fi
    bind_go "$build"
    bind_kotlin "$build/libcomoq_c.so"
    bind_swift "$build"
}

bind_python() {  # LIBRARY RELAY
    local venv=$work/bindings/venv package=examples/bindings/python
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check \
               cffi==2.1.1 scikit-build-core==1.1.2 mypy==2.4.1 uvloop==0.23.0; }; then
        echo "WITHOUT Python: its packages cannot be fetched"
        return 0
    fi
    # Without isolation it takes what is installed already.
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation "-Ccmake.define.COMOQ_C_LIBRARY=$1" "$package"
    export PYTHONDONTWRITEBYTECODE=1
    COMOQ_TEST_RELAY=$2 "$venv/bin/python" -X dev -m unittest discover -s "$package/tests"
    "$venv/bin/python" -c "import asyncio, sys, unittest, uvloop
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
unittest.main(module=None, argv=['uvloop', 'discover', '-s', sys.argv[1]])" "$package/tests"
    "$venv/bin/python" "$package/examples/on_demand.py" | grep -q '^refused with 404$'
    (cd "$package" && "$venv/bin/mypy" --cache-dir "$work/bindings/mypy")
}

bind_go() {  # BUILD
    local build=$1
    command -v go >/dev/null || { echo "WITHOUT Go: there is no go"; return 0; }
    (
        cd examples/bindings/go
        export CGO_CFLAGS=-I$OLDPWD/include CGO_LDFLAGS=-L$build LD_LIBRARY_PATH=$build GOTOOLCHAIN=local
        go vet ./...
        go test -count=1 ./...
    )
}

bind_kotlin() {  # LIBRARY
    local maven home= one
    command -v mvn >/dev/null || { echo "WITHOUT Kotlin: there is no mvn"; return 0; }
    # Foreign functions are there since Java 22.
    for one in "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$one/bin/javac" ] && [ "$("$one/bin/javac" -version 2>&1 | sed 's/javac \([0-9]*\).*/\1/')" -ge 22 ] && home=$one
    done
    [ -n "$home" ] || { echo "WITHOUT Kotlin: there is no Java 22"; return 0; }
    maven=(mvn -q -B -Dstyle.color=never -f examples/bindings/kotlin/pom.xml "-Dout=$work/bindings/kotlin" "-Dcomoq.library=$1")
    JAVA_HOME=$home "${maven[@]}" dependency:resolve dependency:resolve-plugins ||
        { echo "WITHOUT Kotlin: its packages cannot be had"; return 0; }
    JAVA_HOME=$home "${maven[@]}" test
    JAVA_HOME=$home "${maven[@]}" exec:exec | grep -x "application error 404"
}

# Where there is no Swift, clang at least reads what Swift reads of the library.
bind_swift() {  # BUILD
    local package=$PWD/examples/bindings/swift out=$work/bindings/swift
    if ! command -v swift-build >/dev/null; then
        echo "WITHOUT Swift: there is no swift-build"
        printf '%s\n' '#pragma clang module import CComoq' 'int same(void) { return comoq_abi() == COMOQ_ABI; }' |
            "${clang/++/}" -x c -std=c11 -fmodules "-fmodules-cache-path=$out" -Iinclude -Wall -Wextra -Werror -fsyntax-only \
                "-fmodule-map-file=$package/Sources/CComoq/module.modulemap" -
        return
    fi
    swift-build --package-path "$package" --scratch-path "$out" -Xcc "-I$PWD/include" -Xlinker "-L$1"
    LD_LIBRARY_PATH=$1 "$out/debug/Example"
    LD_LIBRARY_PATH=$1 "$out/debug/Scenarios"
}
