# What a relay lets others do, logs, and does when it is told to end. network.sh reads this file.

case_path_allow() {
    relay relay --listen ws://127.0.0.1:0 --path-allow a --path-allow c/d --stats 1
    pipe_through "$url" "$url"
    exits 1 "not authorized" "$bin/subscribe" "$url" b/x video
    exits 1 "not authorized" "$bin/subscribe" "$url" ab video
    # A broadcast that may not be announced is not seen by anybody.
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

# The path of a URL is the root of its session, whatever carries it.
case_roots() {
    relay relay --listen tcp://127.0.0.1:0 --listen ws://127.0.0.1:0 --path-allow tenant
    local ws
    ws=$(sed -n 's/.*url=\(ws:.*\)/\1/p' "$tmp/relay.log")
    pipe_through "$url/tenant/a?jwt=SECRET" "${ws}tenant/a"
    pipe_through "${ws}tenant/b" "$url/tenant/b"
    start clock "$bin/clock" publish "$url/tenant/a"
    until_true "the root is not the root" timeout 5 "$bin/clock" subscribe "$url" --path tenant/a/clock --count 1
    exits 1 "not found" "$bin/subscribe" "$url/tenant/b" clock seconds
    start outside "$bin/subscribe" "$url/elsewhere" x video
    until_true "a root that is not allowed is let in" grep -qi "not authorized" "$tmp/outside.log"
    ! grep -q SECRET "$tmp"/*.log || fail "a log has the query"
}

# A client at /a reaches nothing outside, on any listener, whatever it sends.
case_isolation() {
    relay relay --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --listen wss://127.0.0.1:0 --listen tls://127.0.0.1:0 \
        --cert "$here/tls/cert.pem" --key "$here/tls/key.pem" --stats 1
    local path listener
    for path in x b/x ab/x b a/x; do start "clock_${path//\//_}" "$bin/clock" publish "$url" --path "$path"; done
    announced() { grep event=stats "$tmp/relay.log" | tail -n 1 | grep -q " connected=$1 .* announced=$2 "; }
    until_true "no clocks" announced 5 5
    start viewer "$bin/clock" subscribe "$url" --path b/x
    until_true "no line" grep -q ^20 "$tmp/viewer.log"
    for listener in $(sed -n 's/.*event=listening url=//p' "$tmp/relay.log"); do
        exits 0 "reached nothing outside" "$OUTSIDER" "${listener%/}/a" "$here/tls/cert.pem"
        until_true "what it has published stays" announced 6 5
    done
    # Another path in SETUP, where the URL has said one.
    exits 0 "closed for it" "$OUTSIDER" "${url%/}/a" "$here/tls/cert.pem" /b
    local lines
    lines=$(grep -c ^20 "$tmp/viewer.log")
    until_true "the viewer's publisher is gone" eval '[ "$(grep -c ^20 "$tmp/viewer.log")" -gt '"$((lines + 1))"' ]'
}

# An operator reads who comes, from where, and for what; and no secret.
case_logs() {
    relay relay --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --allow-origin https://good.example
    local ws=${url%/} tcp log="$tmp/relay.log" publisher
    tcp=$(sed -n 's/.*url=\(tcp:.*\)/\1/p' "$log")
    port=${ws##*:}
    says() { until_true "the log does not say: $1" grep -Eq "^time=[0-9TZ:.-]+ level=info event=$1" "$log"; }
    start clock "$bin/clock" publish "$ws/room?jwt=SECRET"
    publisher=$pid
    says "session_opened id=1 peer=127.0.0.1:[0-9]+ listener=$ws/ protocol=qmux-02.moq-lite-[0-9]+ path=/room$"
    says 'announced id=1 path=room/clock$'
    exits 0 ^20 "$bin/clock" subscribe "$tcp//room/?jwt=SECRET" --count 1
    says "session_opened id=2 peer=127.0.0.1:[0-9]+ listener=$tcp protocol=moq-lite-[0-9]+ path=/room$"
    says 'subscribed id=2 path=room/clock track=seconds$'
    says 'unsubscribed id=2 path=room/clock track=seconds reason=.*$'
    says 'session_closed id=2 reason=closed ms=[0-9]+ received=[0-9]+ sent=[0-9]+ announced=0 subscribed=1 requests_refused=0$'
    exits 1 "not found" "$bin/subscribe" "$tcp" some/where "a track"
    says 'request_refused id=3 path=some/where track="a track" reason="not found"$'
    # A page that closes its tab: a close frame, going away, and no word about the session.
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /?jwt=SECRET HTTP/1.1\r\nHost: x\r\nOrigin: https://good.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s\r\n%s\r\n%s\r\n\r\n' \
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" "Sec-WebSocket-Protocol: qmux-02.moq-lite-05" >&4
    # Its parameters, with room for SETUP; SETUP on stream 2, both masked with zeros.
    printf '\x82\x94\x00\x00\x00\x00\xff\x51\x53\x30\x0d\x0a\x0d\x0a\x0b\x04\x02\x44\x00\x07\x02\x44\x00\x09\x01\x08' >&4
    printf '\x82\x86\x00\x00\x00\x00\x0b\x02\x03\x01\x01\x00' >&4
    says "session_opened id=4 .* protocol=qmux-02.moq-lite-05 path=/ origin=https://good.example$"
    printf '\x88\x82\x00\x00\x00\x00\x03\xe9' >&4
    says 'session_closed id=4 reason=closed '
    exec 4>&-
    # Refusals: a page, a place, no common protocol.
    answers 403 "127.0.0.1:$port" "http://user:SECRET@evil.example/SECRET" -- "/room?SECRET"
    says 'refused id=5 .* path=/room origin=http://evil.example status=403 reason="a page of another origin"$'
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /room HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s\r\n%s\r\n%s\r\n\r\n' \
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "Sec-WebSocket-Version: 13" "Sec-WebSocket-Protocol: qmux-01, jwt.SECRET" >&4
    says 'refused id=6 .* path=/room reason="unknown application protocol" offered=qmux-01,others$'
    exec 4>&-
    kill "$publisher"
    says 'unannounced id=1 path=room/clock$'
    says 'session_closed id=1 reason=closed .* announced=1 '
    ! grep -q SECRET "$log" || fail "the log has a secret"
}

# A client that causes lines without end fills no disk, and is counted.
case_log_flood() {
    relay relay --listen ws://127.0.0.1:0
    local i log="$tmp/relay.log"
    start clock "$bin/clock" publish "${url%/}/a" --path x
    until_true "no clock" grep -q "event=announced id=1 path=a/x" "$log"
    for i in $(seq 8); do exits 0 "nothing outside" "$OUTSIDER" "${url%/}/a" "$here/tls/cert.pem"; done
    until_true "what was left out is not counted" grep -Eq "level=warning event=log_left_out lines=[0-9]+ most_of=127.0.0.1" "$log"
    [ "$(wc -l <"$log")" -lt 500 ] || fail "$(wc -l <"$log") lines"
}

# Who may publish is not who may watch.
case_rights() {
    relay relay --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --public-publish studio/** --public-subscribe studio/live --stats 1
    local ws=${url%/} tcp
    tcp=$(sed -n 's/.*url=\(tcp:.*\)/\1/p' "$tmp/relay.log")
    start clock "$bin/clock" publish "$tcp/studio" --path live/clock
    start hidden "$bin/clock" publish "$ws" --path studio/rehearsal
    announced() { grep event=stats "$tmp/relay.log" | tail -n 1 | grep -q " announced=$1 "; }
    until_true "who may publish does not" announced 2
    exits 0 '^20' "$bin/clock" subscribe "$ws" --path studio/live/clock --count 1
    exits 0 '^20' "$bin/clock" subscribe "$tcp/studio/live" --count 1
    exits 1 "not authorized" "$bin/subscribe" "$ws" studio/rehearsal seconds
    exits 1 "not found|not authorized" "$bin/subscribe" "$tcp/studio" rehearsal seconds
    start stranger "$bin/clock" publish "$ws" --path elsewhere/clock
    until_true "no stranger" eval 'grep event=stats "$tmp/relay.log" | tail -n 1 | grep -q " connected=3 "'
    sleep 1
    until_true "a stranger publishes" announced 2
    start outside "$bin/subscribe" "$tcp/elsewhere" x video
    until_true "a root where nothing is allowed is let in" grep -qi "not authorized" "$tmp/outside.log"
}

case_signals() {
    relay up --listen tcp://127.0.0.1:0
    relay relay --listen ws://127.0.0.1:0 --upstream "$url"
    local relay_pid=$pid
    until_true "no upstream" grep -q event=session_opened "$tmp/up.log"
    # One that has no files to read again goes on.
    kill -HUP "$relay_pid"
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

# A relay that drains serves those that it has for a while, lets nobody in, and ends.
case_drain() {
    relay relay --listen tcp://127.0.0.1:0 --drain 4
    local relay_pid=$pid seen
    start clock "$bin/clock" publish "$url"
    start viewer "$bin/clock" subscribe "$url"
    lines() { grep -c ^20 "$tmp/viewer.log"; }
    until_true "no clock" eval '[ "$(lines)" -ge 1 ]'
    kill -TERM "$relay_pid"
    until_true "it does not drain" grep -q "event=draining seconds=4 sessions=2" "$tmp/relay.log"
    seen=$(lines)
    local port=${url##*:}
    if (exec 4<>"/dev/tcp/127.0.0.1/${port%/}") 2>/dev/null; then fail "it still listens"; fi
    until_true "nothing comes any more" eval '[ "$(lines)" -gt "$seen" ]'
    wait "$relay_pid" || fail "the relay ends with $?"
    grep -q "event=stopped left=0" "$tmp/relay.log" || fail "the relay leaves without its sessions"
}

# Options in a file.
case_config() {
    printf 'listen = ["tcp://127.0.0.1:0", "ws://127.0.0.1:0"]\nstats = 1\npublic-subscribe = "open/**"\npublic-publish = ""\n' >"$tmp/relay.toml"
    relay relay --config "$tmp/relay.toml"
    until_true "one listener is missing" eval '[ "$(grep -c event=listening "$tmp/relay.log")" = 2 ]'
    until_true "a number is not taken" grep -q event=stats "$tmp/relay.log"
    turned_away "$url/shut?x" "nothing is allowed there"
    relay other --listen ws://127.0.0.1:0 --config="$tmp/relay.toml"
    [ "$(grep -c event=listening "$tmp/other.log")" = 1 ] || fail "the command line does not count"
    echo "lisen = 'x'" >>"$tmp/relay.toml"
    exits 2 "relay.toml:5: there is no option 'lisen'" "$bin/relay" --config "$tmp/relay.toml"
    # The one that operators begin with: only its files are not there.
    exits 1 "^relay: /etc/comoq/cert.pem: " "$bin/relay" --config "$here/../../examples/relay/relay.toml" --listen wss://127.0.0.1:0
}

# Each option does the same on the command line and in a file: with a value that cannot be used, both say the same.
case_config_options() {
    local name value typed filed base names
    names=$(sed -nE 's/.*\b(add|limit)\("(--[a-z-]+)",.*/\2/p' "$here/../../examples/relay/options.cpp")
    [ "$(wc -w <<<"$names")" -ge 34 ] || fail "these are not all options: $names"
    "$bin/relay" --help >"$tmp/help"
    for name in $names; do
        [ "$name" != --config ] || continue
        grep -qE -e "^  (.*, )?$name " "$tmp/help" || fail "--help does not tell of $name"
        base=(--listen tcp://127.0.0.1:0)
        value=no-such-thing
        case $name in
        --listen) base=() ;;
        --path-allow) value="" ;;
        --public-publish | --public-subscribe) value="a*b" ;;
        --key-log) value=/no-such-thing/log ;;
        --ca) base+=(--auth-url https://localhost:1/) ;;
        esac
        printf '%s = "%s"\n' "${name#--}" "$value" >"$tmp/one.toml"
        typed=$(timeout "$patience" "$bin/relay" "${base[@]}" "$name" "$value" 2>&1) && fail "$name takes '$value'"
        filed=$(timeout "$patience" "$bin/relay" "${base[@]}" --config "$tmp/one.toml" 2>&1) && fail "$name takes '$value' in a file"
        [[ $typed == *"$name"* || $typed == *no-such-thing* ]] || fail "$name does nothing: $typed"
        [ "$typed" = "${filed/"$tmp/one.toml:1: "/}" ] || fail "$name, typed: '$typed', and in a file: '$filed'"
    done
}

case_stats() {
    relay relay --listen tcp://127.0.0.1:0 --stats 1 --threads 3 --log debug
    until_true "no stats" grep -q "level=info event=stats connected=0 entered=0" "$tmp/relay.log"
}
