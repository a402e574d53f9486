#!/usr/bin/env bash
# The programs that speak to a relay, as their users run them: network.sh DIRECTORY_OF_PROGRAMS CASE
#
# Each case starts what it needs on ports of the system's choice, and ends it on every way out.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
bin=$1
tmp=$(mktemp -d)
pids=()
cleanup() {
    # Nothing is said about those that are killed.
    exec 2>/dev/null
    for pid in "${pids[@]}"; do kill -KILL "$pid" || true; done
    rm -rf "$tmp"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*"
    for log in "$tmp"/*.log; do echo "-- $log"; tail -n 40 "$log"; done
    exit 1
}

# How long anything may take; the machine may be busy.
patience=${PATIENCE:-30}

until_true() {  # WHAT COMMAND...
    local what=$1 end=$((SECONDS + patience))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what"
        sleep 0.05
    done
}

start() {  # NAME COMMAND...: in the background, its output in NAME.log, its process in $pid
    local name=$1
    shift
    # Without a word about its input it would have none.
    "$@" <&0 >"$tmp/$name.log" 2>&1 &
    pid=$!
    pids+=("$pid")
}

# NAME ARGUMENT...: a relay, whose first listener is then $url
relay() {
    local name=$1
    shift
    start "$name" "$bin/relay" "$@"
    until_true "$name does not listen" grep -q event=listening "$tmp/$name.log"
    url=$(sed -n 's/.*event=listening url=//p' "$tmp/$name.log" | sed -n 1p)
}

exits() {  # CODE PATTERN COMMAND...: with that code, and output that has the pattern
    local code=$1 pattern=$2 result=0
    shift 2
    timeout "$patience" "$@" >"$tmp/exits.log" 2>&1 || result=$?
    [ $result = "$code" ] || fail "exit code $result, and not $code, of $*"
    grep -Eq -e "$pattern" "$tmp/exits.log" || fail "no '$pattern' in what $* says"
}

# URL_TO_PUBLISH URL_TO_SUBSCRIBE [OPTION...]: bytes of standard input come out whole at the other end
pipe_through() {
    local to=$1 from=$2
    shift 2
    head -c 3000000 /dev/urandom >"$tmp/in"
    start publish "$bin/publish" "$to" a/pipe --wait "$@" <"$tmp/in"
    timeout "$patience" "$bin/subscribe" "$from" a/pipe data --start 0 --announced "$@" >"$tmp/out" 2>"$tmp/subscribe.log" ||
        fail "subscribe: $?"
    cmp "$tmp/in" "$tmp/out" || fail "what came out is not what went in"
    wait "$pid" || fail "publish: $?"
}

case_websocket() {
    relay relay --listen ws://127.0.0.1:0
    pipe_through "$url" "$url"
}

case_tcp() {
    relay relay --listen tcp://127.0.0.1:0 --listen ws://127.0.0.1:0
    local ws
    ws=$(sed -n 's/.*url=\(ws:.*\)/\1/p' "$tmp/relay.log")
    pipe_through "$url" "$ws"
}

# All addresses that it has are listened at, at one port.
case_name() {
    relay relay --listen ws://localhost:0
    local port=${url##*:} address count=0
    port=${port%/}
    for address in $(getent ahosts localhost | awk '{print $1}' | sort -u); do
        (exec 3<>"/dev/tcp/$address/$port") || fail "nobody listens at $address"
        count=$((count + 1))
    done
    [ $count -gt 0 ] || fail "localhost has no address"
    exits 1 "cannot listen at" "$bin/relay" --listen "$url"
}

case_tls() {
    relay relay --listen wss://127.0.0.1:0 --listen tls://0.0.0.0:0 --cert "$here/tls/cert.pem" --key "$here/tls/key.pem"
    local tls
    tls=$(sed -n 's/.*url=\(tls:.*\)/\1/p' "$tmp/relay.log" | sed s/0.0.0.0/127.0.0.1/)
    pipe_through "$url" "$tls" --ca "$here/tls/cert.pem"
    # Another authority: nothing is said to a relay that cannot be trusted.
    start distrust "$bin/subscribe" "$url" a/pipe data --ca "$here/tls/other.pem"
    until_true "nobody complains about the certificate" grep -q "certificate verify failed" "$tmp/distrust.log"
    kill "$pid"
    # A name that is not the certificate's.
    start name "$bin/subscribe" "${tls/127.0.0.1/127.0.0.2}" a/pipe data --ca "$here/tls/cert.pem"
    until_true "nobody complains about the name" grep -q "certificate verify failed" "$tmp/name.log"
    kill "$pid"
    # Neither plain text nor silence is TLS, and others do not notice.
    exec 3<>"/dev/tcp/127.0.0.1/${tls##*:}"
    echo "GET / HTTP/1.1" >&3
    exec 5<>"/dev/tcp/127.0.0.1/${tls##*:}"
    pipe_through "$tls" "$url" --ca "$here/tls/cert.pem"
}

# B asks A for what nobody announced, and readers at B go on when A comes back.
case_chain() {
    relay a --listen ws://127.0.0.1:0
    local a=$url a_pid=$pid
    relay b --listen tcp://127.0.0.1:0 --upstream "$a"
    local b=$url
    pipe_through "$a" "$b"
    exits 1 "not found" "$bin/subscribe" "$b" no/such/broadcast video
    start clock "$bin/clock" publish "$a"
    local clock=$pid
    until_true "no clock at A" grep -q event=session_opened "$tmp/a.log"
    # These do not ask again by themselves: they end when they are cut off.
    start second "$bin/subscribe" "$b" clock seconds --announced
    has() { [ "$(stat -c %s "$tmp/$1.log")" -ge "$2" ] && grep -q ^20 "$tmp/$1.log"; }
    until_true "no clock at B" has second 19
    # Not before it is announced: who asks for what nobody has is refused.
    start reader "$bin/subscribe" "$b" clock seconds
    until_true "no clock at B" has reader 19
    # Once with the publisher later than the relay.
    kill -STOP "$clock"
    kill -KILL "$a_pid"
    wait "$a_pid" 2>/dev/null || true
    start a2 "$bin/relay" --listen "${a%/}"
    until_true "B does not come back" eval '[ "$(grep -c event=upstream_connected "$tmp/b.log")" = 2 ]'
    local seen
    seen=$(stat -c %s "$tmp/reader.log")
    sleep 1
    kill -CONT "$clock"
    until_true "the reader does not go on when A comes back" has reader $((seen + 2 * 19))
    until_true "the second reader does not go on when A comes back" has second $((seen + 2 * 19))
}

case_path_allow() {
    relay relay --listen ws://127.0.0.1:0 --path-allow a --path-allow c/d --stats 1
    pipe_through "$url" "$url"
    exits 1 "not authorized" "$bin/subscribe" "$url" b/x video
    exits 1 "not authorized" "$bin/subscribe" "$url" ab video
    # What may not be announced is not seen by anybody.
    start outside "$bin/clock" publish "$url" --path b/clock
    until_true "no publisher" grep -q "event=stats connected=1 " "$tmp/relay.log"
    sleep 1
    until_true "no publisher" grep -q "event=stats connected=1 " "$tmp/relay.log"
    ! grep -q "announced=[1-9].* served=0" <(grep "event=stats connected=1 " "$tmp/relay.log" | tail -n 1) ||
        fail "what may not be announced is"
    exits 1 "not authorized" "$bin/subscribe" "$url" b/clock seconds
    # Below a root of its own.
    exits 1 "not found" "$bin/subscribe" "${url}c/d" x video
    start bad "$bin/subscribe" "${url}b" x video
    until_true "a root that is not allowed is let in" grep -qi "not authorized" "$tmp/bad.log"
}

case_signals() {
    relay up --listen tcp://127.0.0.1:0
    relay relay --listen ws://127.0.0.1:0 --upstream "$url"
    local relay_pid=$pid
    until_true "no upstream" grep -q event=session_opened "$tmp/up.log"
    start clock "$bin/clock" publish "$url"
    until_true "no session" grep -q event=session_opened "$tmp/relay.log"
    kill -TERM "$relay_pid"
    wait "$relay_pid" || fail "the relay ends with $?"
    until_true "it does not say goodbye to its upstream" grep -q "event=session_closed.* reason=closed" "$tmp/up.log"
    grep -q "event=session_closed.* reason=closed" "$tmp/relay.log" || fail "its session is not closed in peace"
    grep -q "event=stopped left=0" "$tmp/relay.log" || fail "the relay leaves without its sessions"
    until_true "the publisher does not notice" grep -q "trying again" "$tmp/clock.log"
    kill -INT "$pid"
    wait "$pid" || fail "the clock ends with $?"
}

# PATH [EXTRA]: the answer of the relay to a browser
get() {
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf '%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&4
    timeout "$patience" cat <&4
    exec 4>&-
}

case_web() {
    mkdir -p "$tmp/web/sub" "$tmp/websecret"
    echo "<p>the page</p>" >"$tmp/web/index.html"
    echo "let a" >"$tmp/web/sub/app.js"
    echo "secret" >"$tmp/websecret/key"
    echo "secret" >"$tmp/web/.hidden"
    ln -s "$tmp/websecret/key" "$tmp/web/link"
    relay relay --listen ws://127.0.0.1:0 --web "$tmp/web"
    port=${url##*:}
    port=${port%/}
    [[ $(get "GET /") == "HTTP/1.1 200 OK"*"text/html"*"the page"* ]] || fail "no page"
    [[ $(get "GET /sub/app.js?x=1") == *" 200 "*"text/javascript"*"let a"* ]] || fail "no script"
    [[ $(get "HEAD /sub/app.js") != *"let a"* ]] || fail "a HEAD with a body"
    [[ $(get "GET /sub") == *" 301 "*"Location: /sub/"* ]] || fail "a directory without a slash"
    [[ $(get "GET //sub") == *" 301 "*"Location: /sub/"* ]] || fail "a way to another host"
    [[ $(get "POST /") == *" 405 "* ]] || fail "a POST"
    local path
    for path in /../websecret/key /%2e%2e/websecret/key /sub/../../websecret/key /..%2fwebsecret/key /.hidden /link \
        /sub/../index.html /nothing /sub/ "//etc/passwd" "/%00" "/%zz" "/index.html/x"; do
        [[ $(get "GET $path") == "HTTP/1.1 40"[04]* ]] || fail "GET $path gives something"
    done
    # The same port still speaks to publishers.
    pipe_through "$url" "$url"
}

case_clock() {
    relay relay --listen tcp://127.0.0.1:0
    # Whoever is first.
    start reader "$bin/clock" subscribe "$url" --count 2
    local reader=$pid
    start clock "$bin/clock" publish "$url"
    wait "$reader" || fail "the reader ends with $?"
    [ "$(grep -Ec '^20[0-9-]+ [0-9:]{8}$' "$tmp/reader.log")" = 2 ] || fail "no two lines"
}

case_stats() {
    relay relay --listen tcp://127.0.0.1:0 --stats 1 --threads 3 --log debug
    until_true "no stats" grep -q "level=info event=stats connected=0 entered=0" "$tmp/relay.log"
}

case_wrong_use() {
    exits 0 "usage: relay" "$bin/relay" --help
    exits 2 "where to listen" "$bin/relay"
    exits 2 "has a path" "$bin/relay" --listen ws://127.0.0.1:0/room
    exits 2 "is no URL of a relay" "$bin/relay" --listen http://127.0.0.1:1
    exits 2 "names no port" "$bin/relay" --listen tcp://127.0.0.1
    exits 2 "no number" "$bin/relay" --listen ws://127.0.0.1:99999
    exits 2 "no number" "$bin/relay" --listen ws://127.0.0.1:
    exits 2 "needs a value" "$bin/relay" --listen
    exits 2 "need --cert and --key" "$bin/relay" --listen wss://127.0.0.1:0
    exits 2 "there is none" "$bin/relay" --listen ws://127.0.0.1:0 --cert x --key y
    exits 1 "nowhere.pem: " "$bin/relay" --listen wss://127.0.0.1:0 --cert nowhere.pem --key nowhere.pem
    exits 2 "is no directory" "$bin/relay" --listen ws://127.0.0.1:0 --web "$tmp/nowhere"
    exits 2 "needs a ws or wss" "$bin/relay" --listen tcp://127.0.0.1:0 --web "$tmp"
    exits 2 "takes a path" "$bin/relay" --listen ws://127.0.0.1:0 --path-allow $'a\tb'
    exits 2 "takes a number from 1 to 256" "$bin/relay" --listen ws://127.0.0.1:0 --threads 0
    exits 2 "log level" "$bin/relay" --listen ws://127.0.0.1:0 --log loud
    exits 2 "unknown option '--frobnicate'" "$bin/relay" --frobnicate
    exits 1 "cannot listen at ws://192.0.2.1:1" "$bin/relay" --listen ws://192.0.2.1:1
    relay relay --listen ws://127.0.0.1:0
    exits 1 "cannot listen at" "$bin/relay" --listen "$url"
    exits 2 "where to" "$bin/publish"
    exits 2 "loop needs a file" "$bin/publish" "$url" x --loop
    exits 1 "'nowhere.mp4' is not there" "$bin/publish" "$url" x nowhere.mp4
    exits 1 "is not an MP4" "$bin/publish" "$url" x "$0"
    exits 1 "invalid path" "$bin/publish" "$url" $'a\tb' </dev/null
    exits 2 "from where" "$bin/subscribe" "$url" x
    exits 1 "invalid path" "$bin/subscribe" "$url" $'a\tb' x
    exits 2 "publish or subscribe" "$bin/clock" watch "$url"
}

if [ $# != 2 ] || ! declare -F "case_$2" >/dev/null; then
    echo "usage: network.sh DIRECTORY_OF_PROGRAMS CASE" >&2
    exit 2
fi
"case_$2"
echo "ok"
