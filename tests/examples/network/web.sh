# What a relay answers by HTTP. network.sh reads this file.

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

# HOST [ORIGIN]... [-- TARGET]: the status line of the answer to a browser that wants a WebSocket
upgrade() {
    local host=$1 fields="" target=/
    shift
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then
            target=$2
            break
        fi
        fields+="Origin: $1"$'\r\n'
        shift
    done
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\n%sUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n%s\r\n%s\r\n\r\n' \
        "$target" "$host" "$fields" "dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" \
        "Sec-WebSocket-Protocol: qmux-02.moq-lite-05" >&4
    timeout "$patience" head -n 1 <&4 | tr -d '\r'
    exec 4>&-
}

answers() {  # STATUS HOST [ORIGIN]...
    local status=$1 line
    shift
    line=$(upgrade "$@")
    [[ $line == "HTTP/1.1 $status "* ]] || fail "the answer to $*: '$line', and not $status"
}

# A page uses the relay only if it is the relay's own, or allowed by name.
case_pages() {
    relay relay --listen ws://127.0.0.1:0
    port=${url##*:}
    port=${port%/}
    # A client that is not a browser names no page.
    answers 101 "127.0.0.1:$port"
    answers 101 "anything"
    answers 101 "127.0.0.1:$port" "http://127.0.0.1:$port"
    answers 101 "localhost:$port" "http://LOCALHOST:$port"
    answers 101 "[::1]:$port" "http://[::1]:$port"
    answers 403 "127.0.0.1:$port" "http://evil.example"
    answers 403 "127.0.0.1:$port" "http://127.0.0.1:1"
    answers 403 "127.0.0.1:$port" "http://127.0.0.1"
    answers 403 "127.0.0.1:$port" "null"
    answers 403 "127.0.0.1:$port" ""
    answers 403 "127.0.0.1:$port" "http://127.0.0.1:$port" "http://evil.example"
    answers 403 "127.0.0.1:$port" "http://127.0.0.1:$port@evil.example"
    # A page that has given its own name the relay's address.
    answers 403 "evil.example:$port" "http://evil.example:$port"
    answers 403 "127.0.0.1.evil.example:$port" "http://127.0.0.1.evil.example:$port"
    kill "$pid"

    relay named --listen ws://127.0.0.1:0 --allow-origin https://good.example --allow-origin http://other.example:8080
    port=${url##*:}
    port=${port%/}
    answers 101 "127.0.0.1:$port" "https://good.example"
    answers 101 "relay.good.example" "https://Good.example:443"
    answers 101 "127.0.0.1:$port" "http://other.example:8080"
    answers 403 "127.0.0.1:$port" "http://good.example"
    answers 403 "127.0.0.1:$port" "http://other.example"
    answers 403 "127.0.0.1:$port" "https://good.example.evil.example"
    answers 101 "127.0.0.1:$port" "http://127.0.0.1:$port"
    kill "$pid"

    relay any --listen ws://127.0.0.1:0 --allow-origin '*'
    port=${url##*:}
    port=${port%/}
    answers 101 "evil.example:$port" "http://evil.example:$port"
    answers 101 "127.0.0.1:$port" "null"
    exits 2 "takes an origin" "$bin/relay" --listen ws://127.0.0.1:0 --allow-origin good.example
}

# The parts of a URL that may be secret are written nowhere.
case_secrets() {
    relay relay --listen ws://127.0.0.1:0 --log debug --path-allow open --web "$here"
    port=${url##*:}
    port=${port%/}
    upgrade "127.0.0.1:$port" -- "/open?jwt=SECRET" >/dev/null
    answers 403 "127.0.0.1:$port" -- "/shut?jwt=SECRET"
    answers 403 "127.0.0.1:$port" "http://evil.example/?jwt=SECRET" -- "/open?jwt=SECRET"
    answers 403 "127.0.0.1:$port" "http://evil.example" -- "/open?jwt=SECRET#SECRET"
    [[ $(get "GET /network.sh?jwt=SECRET") == *" 200 "* ]] || fail "no file"
    [[ $(get "GET /nothing?jwt=SECRET") == *" 404 "* ]] || fail "a file"
    [[ $(get "POST /?jwt=SECRET") == *" 405 "* ]] || fail "a POST"
    until_true "nothing is written about the refused" eval '[ "$(grep -c "status=403" "$tmp/relay.log")" = 3 ]'
    start lost "$bin/subscribe" "ws://127.0.0.1:1/open?jwt=SECRET" x video
    until_true "nobody complains" grep -q "trying again" "$tmp/lost.log"
    kill "$pid"
    exits 2 "this program knows" "$bin/subscribe" "http://127.0.0.1/?jwt=SECRET" x video
    ! grep -q SECRET "$tmp/exits.log" || fail "a message has it"
    exits 2 "names a user" "$bin/subscribe" "http://user:SECRET@127.0.0.1/?jwt=SECRET" x video
    ! grep -q SECRET "$tmp/exits.log" || fail "a message has it"
    exits 2 "names a user" "$bin/subscribe" "ws://SECRET@127.0.0.1/?jwt=SECRET" x video
    ! grep -q SECRET "$tmp"/*.log || fail "a log has it"
}

# One address gets its share of the connections, and no more. It may use returned connections again.
case_sources() {
    relay relay --listen tcp://127.0.0.1:0 --max-per-address 4 --max-handshakes 2 --stats 1 --log debug
    port=${url##*:}
    local idle
    connected() {  # CONNECTED REFUSED [ANNOUNCED]
        grep event=stats "$tmp/relay.log" | tail -n 1 | grep -q " connected=$1 .* refused=$2 ${3:+announced=$3 }"
    }
    for idle in 1 2 3; do exec {fd}<>"/dev/tcp/127.0.0.1/$port"; done
    until_true "three that say nothing are let in" connected 2 1
    grep -q "event=refused.*too many of one address" "$tmp/relay.log" || fail "nobody is told"
    # They are given up after a while, and their places are free again.
    until_true "the silent stay" connected 0 1
    start one "$bin/clock" publish "$url" --path one
    start two "$bin/clock" publish "$url" --path two
    local two=$pid
    # What they announce shows that their handshakes are over.
    until_true "no two sessions" connected 2 1 2
    start three "$bin/clock" publish "$url" --path three
    start four "$bin/clock" publish "$url" --path four
    until_true "those that have said what they want do not count as handshakes" connected 4 1 4
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    until_true "a fifth is let in" connected 4 2
    kill "$two"
    until_true "nobody leaves" connected 3 2 3
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    until_true "there is no place for another one" connected 4 2
}

# A large file is not held in memory, however many clients ask for it and do not read it.
case_large_files() {
    mkdir "$tmp/web"
    head -c 30000000 /dev/urandom >"$tmp/web/large.bin"
    relay relay --listen ws://127.0.0.1:0 --web "$tmp/web"
    port=${url##*:}
    port=${port%/}
    local before after i relay_pid=$pid
    memory() { awk '/VmRSS/ {print $2}' "/proc/$relay_pid/status"; }
    get "GET /large.bin" >"$tmp/first"
    tail -c 30000000 "$tmp/first" | cmp - "$tmp/web/large.bin" || fail "the file is not the file"
    before=$(memory)
    for i in $(seq 1 20); do
        exec {fd}<>"/dev/tcp/127.0.0.1/$port"
        printf 'GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n' >&"$fd"
    done
    # Others do not wait for them.
    pipe_through "$url" "$url"
    after=$(memory)
    [ $((after - before)) -lt 60000 ] || fail "the relay has grown from $before to $after KiB"
}

# What is announced, groups and counters, for whoever may watch them.
case_web_media() {
    relay relay --listen ws://127.0.0.1:0 --public-subscribe 'open/**'
    port=${url##*:}
    port=${port%/}
    start shown "$bin/clock" publish "$url" --path open/clock
    start shut "$bin/clock" publish "$url" --path shut/clock
    until_true "nothing is announced" eval '[[ $(get "GET /announced/open") == *"\"announced\":[\"clock\"]"* ]]'
    until_true "others are not there" eval '[ "$(grep -c event=announced "$tmp/relay.log")" = 2 ]'
    [[ $(get "GET /announced/") == *" 200 "*"application/json"*'{"prefix":"","announced":["open/clock"]}'* ]] || fail "what is announced: $(get "GET /announced")"
    [[ $(get "GET /announced/shut") == *" 403 "* ]] || fail "names that are not public"
    local newest number
    newest=$(get "GET /fetch/open/clock/seconds")
    [[ $newest == *" 200 "*"X-Group: "*chunked*20* ]] || fail "no newest group: $newest"
    # Whole, though nobody else watches.
    [[ $newest == *$'\r\n0\r\n\r' ]] || fail "the newest group is cut off: $newest"
    number=$(sed -n 's/X-Group: \([0-9]*\).*/\1/p' <<<"$newest")
    [[ $(get "GET /fetch/open/clock/seconds?group=$number") == *" 200 "*"X-Group: $number"*20* ]] || fail "no group $number"
    [[ $(get "GET /fetch/open/clock/nothing?group=0") == *" 404 "* ]] || fail "a track that is not there"
    [[ $(get "GET /fetch/open/nothing/x") == *" 404 "* ]] || fail "a broadcast that is not there"
    [[ $(get "GET /fetch/shut/clock/seconds") == *" 40"[34]" "* ]] || fail "media that is not public"
    [[ $(get "GET /fetch/open/clock/seconds?group=x") == *" 400 "* ]] || fail "a group that is none"
    [[ $(get "POST /fetch/open/clock/seconds") == *" 405 "*"Allow: GET"* ]] || fail "a POST"
    [[ $(get "GET /metrics") == *" 403 "* ]] || fail "counters that are not public"
    relay public --listen ws://127.0.0.1:0
    port=${url##*:}
    port=${port%/}
    [[ $(get "GET /metrics") == *" 200 "*"version=0.0.4"*"comoq_connections 1"* ]] || fail "no counters"
    # A connection goes on after a stream.
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /announced HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&4
    [[ $(timeout "$patience" cat <&4) == *'"announced":[]'*ok* ]] || fail "no second answer"
    exec 4>&-
    # Without chunks for old clients.
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /announced HTTP/1.0\r\n\r\n' >&4
    [[ $(timeout "$patience" cat <&4) == *$'close\r\n\r\n{"prefix":"","announced":[]}' ]] || fail "no answer for an old client"
    exec 4>&-
}
