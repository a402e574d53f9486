# The step for comoq::quic. .ci/run reads this file.

title_quic="comoq::quic with Debian 12's ngtcp2, unpacked: its tests, the programs, peers in Rust and Python, and a browser; and its headers with those of Debian 13 and of sid"
step_quic() {
    local suite gnutls=$work/quic/gnutls/root/usr
    unpack_quic
    cmake -S . -B "$work/quic/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "$debug" -DCOMOQ_WERROR=ON -DCOMOQ_QUIC=ON -DCOMOQ_C=ON \
        -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF "-DCMAKE_PREFIX_PATH=$work/quic/bookworm/root/usr;$gnutls"
    printf '#include <comoq/%s.hpp>\n' net/quic_schemes webtransport/accept webtransport/connect >"$work/quic/alone.cpp"
    cmake --build "$work/quic/build" --target comoq_quic_tests comoq_quic_relay comoq_quic_echo relay publish subscribe clock comoq_c_sessions \
        comoq_interop_runner &
    for suite in trixie sid; do
        g++ -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -DASIO_STANDALONE -DFMT_HEADER_ONLY \
            -Iinclude -isystem "$work/quic/$suite/root/usr/include" -isystem "$gnutls/include" "$work/quic/alone.cpp"
    done
    wait $!
    "$work/quic/build/tests/quic/comoq_quic_tests"
    "$work/quic/build/tests/c/comoq_c_sessions"
    local case
    for case in quic quic_chain quic_threads https no_udp bad_link certificates quic_tokens; do
        bash tests/examples/network.sh "$work/quic/build/examples" $case
    done
    bash tests/examples/wrong_runs.sh "$work/quic/build/examples"
    tests/interop/runner.sh "$work/quic/build/examples/relay" "$work/quic/build/tests/interop/comoq_interop_runner" moqt https
    if [ -d "$work/interop/web/dist" ] && command -v chromium >/dev/null; then
        look_by_webtransport "$work/quic/build/examples" "$work/interop/js" "$work/interop/web/dist"
    else
        echo "WITHOUT the page in a browser: there is no chromium, or the step interop was not run"
    fi
    if command -v chromium >/dev/null; then
        python3 tests/quic/stranger/chromium.py "$work/quic/build/tests/quic/comoq_quic_echo"
    else
        echo "WITHOUT a browser: there is no chromium"
    fi
    rm -rf "$work/quic/venv"
    if ! { python3 -m venv "$work/quic/venv" &&
           "$work/quic/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/interop/requirements.txt; }; then
        echo "WITHOUT peers that others have written: the packages moq-rs and aioquic cannot be fetched"
        return
    fi
    # It waits most of the time.
    talk_to_aiomoqt "$work/quic/build/examples/relay" "$work/quic/build/tests/interop/comoq_interop_runner" >"$work/quic/aiomoqt.log" 2>&1 &
    local aiomoqt=$! result=0
    "$work/quic/venv/bin/python" tests/quic/stranger/rust.py "$work/quic/build/tests/quic/comoq_quic_relay"
    "$work/quic/venv/bin/python" tests/quic/stranger/rust_relay.py "$work/quic/build/examples/relay"
    "$work/quic/venv/bin/python" tests/quic/stranger/rust_runner.py "$work/quic/build/tests/interop/comoq_interop_runner"
    "$work/quic/venv/bin/python" tests/quic/stranger/aioquic_peer.py "$work/quic/build/tests/quic/comoq_quic_echo"
    wait $aiomoqt || result=$?
    cat "$work/quic/aiomoqt.log"
    return $result
}

# aiomoqt needs Python 3.12. Debian 13's runs on its own libraries, beside those of this system.
talk_to_aiomoqt() {  # RELAY RUNNER
    local directory=$work/quic/python loader python
    if ! (unpacked "$directory" trixie '^libpython3.13-(minimal|stdlib)$' python3.13-minimal libc6 libgcc-s1 libstdc++6 libssl3t64 \
              libexpat1 libffi8 zlib1g libbz2-1.0 liblzma5); then
        echo "WITHOUT aiomoqt: there is no Python for it"
        return 0
    fi
    loader=$(echo "$directory"/root/usr/lib/*-linux-gnu/ld-linux-*.so.*)
    python=("$loader" --library-path "${loader%/*}" "$directory/root/usr/bin/python3.13")
    export PYTHONPATH=$directory/pip PYTHONDONTWRITEBYTECODE=1
    if ! { "$work/quic/venv/bin/pip" install --quiet --disable-pip-version-check --target "$directory/pip" pip==25.3 &&
           "${python[@]}" -m pip install --quiet --disable-pip-version-check --only-binary=:all: --target "$directory/packages" \
               -r tests/quic/stranger/aiomoqt.txt; }; then
        echo "WITHOUT aiomoqt: its packages cannot be fetched"
        return 0
    fi
    PYTHONPATH=$directory/packages python3 tests/quic/stranger/aiomoqt_client.py "$1" "${python[@]}"
    PYTHONPATH=$directory/packages python3 tests/quic/stranger/aiomoqt_relay.py "$2" tests/examples/tls "${python[@]}"
}

# The libraries of Debian 12, of 13 and of sid, each in a directory of its own: none is installed.
unpack_quic() {
    [ ! -e "$work/quic/unpacked" ] || return 0
    local suite
    this_suite
    unpacked "$work/quic/gnutls" "$VERSION_CODENAME" '^libgnutls30(t64)?$' libgnutls28-dev
    for suite in bookworm trixie sid; do
        unpacked "$work/quic/$suite" $suite '^lib(nghttp3|ngtcp2(-crypto-gnutls)?)-?[0-9]+$' libngtcp2-dev \
            libngtcp2-crypto-gnutls-dev libnghttp3-dev
    done
    touch "$work/quic/unpacked"
}

title_quic_sanitized="$clang, all warnings are errors: the tests of comoq::quic with Debian 13's ngtcp2, AddressSanitizer and UndefinedBehaviorSanitizer; and with sid's, ThreadSanitizer"
step_quic_sanitized() {
    unpack_quic
    sanitizer_options
    sanitized_quic trixie address,undefined
    sanitized_quic sid thread
}

sanitized_quic() {  # SUITE SANITIZERS
    CXX=$clang cmake -S . -B "$work/quic/$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug "$debug" -DCOMOQ_WERROR=ON -DCOMOQ_QUIC=ON \
        -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF -DCOMOQ_BUILD_EXAMPLES=OFF "-DCOMOQ_SANITIZE=$2" \
        "-DCMAKE_PREFIX_PATH=$work/quic/$1/root/usr;$work/quic/gnutls/root/usr"
    cmake --build "$work/quic/$1/build" --target comoq_quic_tests
    # Minutes on many links are for the step quic: they have one thread only.
    ctest --test-dir "$work/quic/$1/build/tests/quic" --no-tests=error --exclude-regex '^the promise of groups'
}

# The same by WebTransport, with a certificate for development; and by WebSocket where the relay has nothing else.
look_by_webtransport() {  # PROGRAMS JS PAGE
    local url pin log=$work/quic/relay.log
    begin_relay "$log" "$1/relay" --listen http://127.0.0.1:0 --tls-generate 127.0.0.1 --web "$3"
    url=$(sed -n 's/.*event=listening url=http//p' "$log")
    pin=$(sed -n 's/.*event=certificate sha256=//p' "$log")
    "$1/publish" "moql${url%/}" live/clip examples/media/clip.mp4 --loop --pin "sha256:$pin" &
    children="$children $!"
    node "$2/browser.mjs" "http$url" --timeout 90000 --announced live/clip --unknown no/such/broadcast/video \
        --ask live/clip/video --groups 3 --screenshot "$work/quic/page.png"
    grep -q 'event=session_opened.*protocol=h3.moq-lite-05' "$log"
    kill $children
}
