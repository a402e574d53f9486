# The steps that run the programs: against peers that others have written, hostile ones, players and browsers. .ci/run reads this
# file.

title_interop="the stock JavaScript peer in Node and in Chromium, and peers that break a rule, against the programs of the step test"
step_interop() {
    local bin=$PWD/build/test/examples js=$work/interop/js web=$work/interop/web
    [ -x "$bin/relay" ] || { echo "the step test comes first"; return 1; }
    command -v npm >/dev/null && command -v node >/dev/null || skip "there is no node, or no npm"
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || skip "the JavaScript peer needs node 20, this is $(node --version)"
    rm -rf "$work/interop"
    mkdir -p "$work/interop"
    cp -r tests/interop "$js"
    # It has the table of the memory that a peer can make a relay hold.
    cp tests/README.md "$work/interop/"
    cp -r examples/web "$web"
    rm -rf "$js"/{,player/}{node_modules,dist} "$web/node_modules" "$web/dist"
    (cd "$js" && npm ci --no-audit --no-fund) && (cd "$web" && npm ci --no-audit --no-fund) ||
        skip "the packages of npm cannot be fetched: is there no network?"
    (cd "$web" && npm run build)
    node "$js/run.mjs" --logs "$work/interop/logs" --peer "$PWD/build/test/tests/interop/comoq_interop_peer" --relay "$bin/relay"
    node "$js/ietf.mjs" --relay "$bin/relay"
    tests/interop/runner.sh "$bin/relay" build/test/tests/interop/comoq_interop_runner ws
    agree_with_codec
    # The other rooms are the step hostile's: they need a relay that is optimised, and most of the processors. That step also
    # judges how late others are in this room: a relay without optimisation needs about three times as long.
    node "$js/hostile.mjs" --only '^rules' --floor 450 --relay "$bin/relay"
    talk_to_rust "$bin" "$js"
    command -v chromium >/dev/null || skip "there is no chromium"
    look_at_page "$bin" "$js" "$web/dist"
}

# Random messages of MoQ Transport, read by a codec that is not ours, which needs cargo 1.88.
agree_with_codec() {
    local manifest=tests/interop/codec/Cargo.toml seed=${COMOQ_TEST_SEED:-$RANDOM$RANDOM}
    export CARGO_TARGET_DIR=$work/interop/codec
    if ! { command -v cargo && cargo --version | awk '{ split($2, v, "."); exit !(v[1] > 1 || v[2] >= 88) }'; } >/dev/null; then
        echo "WITHOUT the crate moqtap-codec: there is no cargo, or an older one than 1.88"
    elif ! cargo fetch --quiet --locked --manifest-path $manifest; then
        echo "WITHOUT the crate moqtap-codec: it cannot be had"
    else
        cargo build --quiet --release --locked --manifest-path $manifest
        cmake --build build/test --target comoq_interop_codec
        echo "COMOQ_TEST_SEED=$seed"
        build/test/tests/interop/comoq_interop_codec "$seed" 20000 | "$CARGO_TARGET_DIR/release/comoq-codec-check"
    fi
}

# Peers of the Rust implementation, from PyPI.
talk_to_rust() {  # PROGRAMS JS
    local venv=$work/interop/venv
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$2/requirements.txt"; }; then
        echo "WITHOUT the peers of the Rust implementation: the package moq-rs cannot be had"
        return 0
    fi
    "$venv/bin/python" "$2/rust.py" --relay "$1/relay" --publish "$1/publish" --subscribe "$1/subscribe" \
        --clip examples/media/clip.mp4
    "$venv/bin/python" "$2/rust_ietf.py" --relay "$1/relay"
}

# The page in a browser: announced, unknown, asked for. The screenshot stays.
look_at_page() {  # PROGRAMS JS PAGE
    local url
    begin_relay "$work/interop/relay.log" "$1/relay" --listen ws://127.0.0.1:0 --web "$3"
    url=$(sed -n 's/.*event=listening url=ws//p' "$work/interop/relay.log")
    "$1/publish" "ws$url" live/clip examples/media/clip.mp4 --loop &
    children="$children $!"
    # Without comoq::hang the clip has no catalog.
    local play=()
    [ ! -e build/test/libcomoq_compiled_hang.a ] || play=(--play live/clip)
    node "$2/browser.mjs" "http$url" --timeout 90000 --announced live/clip --unknown no/such/broadcast/video \
        --ask live/clip/video --groups 3 "${play[@]}" --screenshot "$work/interop/page.png"
}

title_demo="README's demo command: g++, Release"
step_demo() {
    cmake -P cmake/demo.cmake
}

title_hostile="hostile peers of all kinds, against a relay of g++, Release"
step_hostile() {
    [ -d "$work/interop/js/node_modules" ] || skip "the step interop was not run"
    [ -d build/demo ] || { echo "the step demo comes first"; return 1; }
    cmake --build build/demo --target relay
    node "$work/interop/js/hostile.mjs" --relay build/demo/examples/relay
}

title_slow_link="the stock player in Chromium, over a link that becomes slow and fast again, and a relay of g++, Release"
step_slow_link() {
    local js=$work/interop/js player=()
    [ -d "$js/node_modules" ] || skip "the step interop was not run"
    [ -d build/demo ] || { echo "the step demo comes first"; return 1; }
    command -v python3 >/dev/null || skip "there is no python3, which the link needs"
    cmake --build build/demo --target relay
    if ! command -v chromium >/dev/null; then
        echo "WITHOUT the stock player, with a copy of its rule: there is no chromium"
    elif ! (cd "$js/player" && npm ci --no-audit --no-fund); then
        echo "WITHOUT the stock player, with a copy of its rule: its packages cannot be fetched"
    else
        (cd "$js/player" && npm run build)
        player=(--player "$js/player/dist" --screenshot "$work/interop/player.png")
    fi
    node "$js/adapts.mjs" --relay build/demo/examples/relay "${player[@]}"
}

title_media="movies of ffmpeg through publish, relay and subscribe; catalogs and the reader of @moq/hang; what publish sends in the stock player in Chromium, and its camera, with sound"
step_media() {
    local bin=$PWD/build/test/examples js=$work/interop/js result=0
    [ -x "$bin/relay" ] || { echo "the step test comes first"; return 1; }
    [ -e build/test/libcomoq_compiled_hang.a ] || skip "nlohmann-json or zlib was missing in the step test"
    tests/examples/media.sh "$bin" || result=$?
    [ $result = 0 ] || [ $result = $skipped ] || return $result
    [ -d "$js/node_modules" ] || skip "the step interop was not run, for the rest"
    command -v chromium >/dev/null || skip "there is no chromium, for the rest"
    [ -e "$js/player/dist/player.js" ] || (cd "$js/player" && npm ci --no-audit --no-fund && npm run build) ||
        skip "the packages of the player cannot be fetched, for the rest"
    node "$js/catalogs.mjs" --program build/test/tests/interop/comoq_interop_catalogs --player "$js/player"
    node "$js/media.mjs" --relay "$bin/relay" --publish "$bin/publish" --player "$js/player/dist" --clip examples/media/clip.mp4 \
        --on-demand "$bin/media_on_demand" --screenshot "$work/interop/media.png"
    command -v ffprobe >/dev/null || skip "there is no ffmpeg, for the camera"
    node "$js/camera.mjs" --relay "$bin/relay" --subscribe "$bin/subscribe" --web "$work/interop/web/dist" \
        --screenshot "$work/interop/camera.png"
}
