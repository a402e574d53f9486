#!/usr/bin/env bash
# The programs that speak to a relay, as their users run them: network.sh DIRECTORY_OF_PROGRAMS CASE
#
# Each case starts its programs on ports of the system's choice, and ends them on every way out.
set -euo pipefail

. "$(dirname "$0")/programs.sh"

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
    # Without a redirection of its input it would have none.
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
    grep -aEq -e "$pattern" "$tmp/exits.log" || fail "no '$pattern' in what $* says"
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

# Each check has a track of its own.
case_moq_test() {
    relay relay --listen ws://127.0.0.1:0
    local to from size=100
    for to in moq-lite-06 moqt-18; do
        start serve "$bin/moq_test" serve "$url" "served/by/$to" --protocol $to
        until_true "nothing is announced" grep -q "event=announced.*served/by/$to" "$tmp/relay.log"
        for from in moq-lite-06 moqt-18 moqt-20 moqt-22; do
            size=$((size + 1))
            exits 0 '3 groups, 15 objects in 3 lanes' "$bin/moq_test" check "$url" \
                "served/by/$to/moq-test-00/0/0/0/2/4/5/64/$size/10/1/1/0/-1/-1/0" --protocol $from
        done
    done
    exits 0 '2 groups, 10 objects in 10 lanes' "$bin/moq_test" check "$url" \
        served/by/moqt-18/moq-test-00/1/7/0/8/4/5/64/32/10/1/1/0/4/6/0 --protocol moqt-18
    exits 1 'not found' "$bin/moq_test" check "$url" served/by/no/moq-test-00/0/0/0/2/4/5/64/32/10/1/1/0/-1/-1/0
    exits 2 'is not the name of a test track' "$bin/moq_test" check "$url" moq-test-00/0/0
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

# The relay listens at all addresses of the name, at one port.
case_name() {
    relay relay --listen ws://localhost:0
    local port=${url##*:} address count=0
    port=${port%/}
    for address in $(getent ahosts localhost | awk '{print $1}' | sort -u); do
        # A name may have an address of a kind that this machine does not have.
        [[ $address != *:* ]] || grep -qw lo /proc/net/if_inet6 2>/dev/null || continue
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
    exits 1 "certificate was refused" "$bin/subscribe" "$url" a/pipe data --ca "$here/tls/other.pem"
    # A name that is not the certificate's.
    exits 1 "certificate was refused" "$bin/subscribe" "${tls/127.0.0.1/127.0.0.2}" a/pipe data --ca "$here/tls/cert.pem"
    # Neither plain text nor silence is TLS, and others do not notice.
    exec 3<>"/dev/tcp/127.0.0.1/${tls##*:}"
    echo "GET / HTTP/1.1" >&3
    exec 5<>"/dev/tcp/127.0.0.1/${tls##*:}"
    pipe_through "$tls" "$url" --ca "$here/tls/cert.pem"
}

# For relays with --tls-generate: what their clients pin.
pin_of() { echo "sha256:$(sed -n 's/.*event=certificate sha256=//p' "$tmp/$1.log" | tail -n 1)"; }
generated=(--tls-generate localhost --tls-generate 127.0.0.1)

case_quic() {
    relay relay --listen moql://127.0.0.1:0 --listen tcp://127.0.0.1:0 --listen moqt://localhost:0 "${generated[@]}"
    local pin tcp moqt
    pin=$(pin_of relay)
    tcp=$(sed -n 's/.*url=\(tcp:.*\)/\1/p' "$tmp/relay.log")
    moqt=$(sed -n 's/.*url=\(moqt:.*\)/\1/p' "$tmp/relay.log")
    pipe_through "$url" "$url" --pin "$pin"
    pipe_through "$url" "$tcp" --pin "$pin"
    pipe_through "$moqt" "$url" --pin "$pin"
    # What nobody has, in a root of its own.
    exits 1 "not found" "$bin/subscribe" "$url/room" no/such/broadcast video --pin "$pin"
    grep -q 'event=session_opened.*protocol=moq-lite-06 path=/room' "$tmp/relay.log" || fail "no path in SETUP"
    # Trust: another pin, the system's authorities, and a server of TCP.
    exits 1 "certificate was refused" "$bin/subscribe" "$url" a/pipe data --pin "sha256:$(printf 'ab%.0s' {1..32})"
    exits 1 "certificate was refused" "$bin/subscribe" "$url" a/pipe data
    exits 1 "refused" "$bin/subscribe" "moql://${tcp#*://}" a/pipe data --pin "$pin" --tries 1
    # The relay ends its sessions when it ends.
    start clock "$bin/clock" publish "$url" --pin "$pin"
    until_true "no clock" grep -q event=announced.*clock "$tmp/relay.log"
    kill "${pids[0]}"
    wait "${pids[0]}" || fail "the relay: $?"
    grep -q "event=stopped left=0" "$tmp/relay.log" || fail "a session is left"
}

# A relay asks another one over QUIC, with a certificate of files, and goes on when that comes back.
case_quic_chain() {
    relay a --listen moql://127.0.0.1:0 --cert "$here/tls/cert.pem" --key "$here/tls/key.pem"
    local a=$url a_pid=$pid
    relay b --listen tcp://127.0.0.1:0 --upstream "$a" --ca "$here/tls/cert.pem"
    pipe_through "$a" "$url" --ca "$here/tls/cert.pem"
    exits 1 "not found" "$bin/subscribe" "$url" no/such/broadcast video
    kill -KILL "$a_pid"
    wait "$a_pid" 2>/dev/null || true
    start a2 "$bin/relay" --listen "$a" --cert "$here/tls/cert.pem" --key "$here/tls/key.pem"
    patience=60 until_true "B does not come back" eval '[ "$(grep -c event=upstream_connected "$tmp/b.log")" = 2 ]'
}

# One port: QUIC over UDP, and over TCP wss and what browsers ask for.
case_https() {
    mkdir "$tmp/web"
    echo "a page" >"$tmp/web/index.html"
    relay relay --listen https://127.0.0.1:0 --listen http://127.0.0.1:0 "${generated[@]}" --web "$tmp/web"
    local pin http
    pin=$(pin_of relay)
    http=$(sed -n 's/.*url=\(http:.*\)/\1/p' "$tmp/relay.log")
    [ "$(curl -sSk "${url}certificate.sha256")" = "${pin#sha256:}" ] || fail "another hash by https"
    [ "$(curl -sS "${http}certificate.sha256")" = "${pin#sha256:}" ] || fail "another hash by http"
    curl -sS -D - -o /dev/null "${http}certificate.sha256" | grep -qi "access-control-allow-origin: \*" || fail "pages cannot read it"
    [ "$(curl -sSk "${url}health")" = ok ] || fail "not healthy"
    [ "$(curl -sSk "$url")" = "a page" ] || fail "no page"
    local quic="moql://${url#*://}" wss="wss://${url#*://}" ws="ws://${http#*://}"
    pipe_through "${quic%/}" "$wss" --pin "$pin"
    pipe_through "$ws" "moqt://${http#*://}" --pin "$pin"
    exits 1 "certificate was refused" "$bin/subscribe" "$wss" a/pipe data --pin "sha256:$(printf 'ab%.0s' {1..32})"
    # Clients of https take WebTransport.
    pipe_through "$url" "${url}" --pin "$pin" --verbose
    grep -q "by WebTransport" "$tmp/subscribe.log" || fail "a client does not say how it is connected"
    grep -q "event=session_opened.*protocol=h3.moq-lite-06" "$tmp/relay.log" || fail "no WebTransport"
    exits 1 "not found" "$bin/subscribe" "${url}room" no/such/broadcast video --pin "$pin"
    exits 1 "certificate was refused" "$bin/subscribe" "$url" a/pipe data --pin "sha256:$(printf 'ab%.0s' {1..32})"
}

# Over a link that loses, doubles, delays and spoils packets, and whose clients change their ports meanwhile.
case_bad_link() {
    relay relay --listen https://127.0.0.1:0 "${generated[@]}"
    local pin port=${url##*:} link
    pin=$(pin_of relay)
    start link python3 "$here/bad_link.py" "${port%/}"
    link=$pid
    until_true "no link" grep -q ^port= "$tmp/link.log"
    port=$(sed -n 's/^port=\([0-9]*\) .*/\1/p' "$tmp/link.log")
    pipe_through "moql://127.0.0.1:$port" "moql://127.0.0.1:$port" --pin "$pin"
    pipe_through "https://127.0.0.1:$port" "https://127.0.0.1:$port" --pin "$pin" --verbose
    grep -q "by WebTransport" "$tmp/subscribe.log" || fail "a client does not say how it is connected"
    kill "$link"
    wait "$link" || fail "the link: $?"
    cat "$tmp/link.log"
    grep -Eq 'lost=[1-9].*doubled=[1-9].*late=[1-9].*spoiled=[1-9].*rebindings=[1-9]' "$tmp/link.log" || fail "the link was good"
}

# Where UDP does not get through, clients of https take WebSocket.
case_no_udp() {
    relay relay --listen wss://127.0.0.1:0 --cert "$here/tls/cert.pem" --key "$here/tls/key.pem"
    local https="https://${url#*://}"
    pipe_through "$https" "$https" --ca "$here/tls/cert.pem" --verbose
    grep -q "by WebSocket" "$tmp/subscribe.log" || fail "a client does not say how it is connected"
    exits 1 "refused" "$bin/subscribe" https://127.0.0.1:1 a/pipe data --tries 1
    # An upstream, too.
    relay edge --listen tcp://127.0.0.1:0 --upstream "$https" --ca "$here/tls/cert.pem"
    pipe_through "$https" "$url" --ca "$here/tls/cert.pem"
}

# Files that are replaced are read again: on SIGHUP, and because they have changed. What cannot be used is not.
case_certificates() {
    cp "$here/tls/cert.pem" "$tmp/cert.pem"
    cp "$here/tls/key.pem" "$tmp/key.pem"
    relay relay --listen https://127.0.0.1:0 --cert "$tmp/cert.pem" --key "$tmp/key.pem"
    local relay=$pid first second quic="moql://${url#*://}" wss="wss://${url#*://}"
    first=$(pin_of relay)
    start clock "$bin/clock" publish "$quic" --pin "$first"
    start reader "$bin/subscribe" "$wss" clock seconds --announced --pin "$first"
    seen() { stat -c %s "$tmp/reader.log"; }
    until_true "no clock" grep -q ^20 "$tmp/reader.log"
    # Half of a replacement.
    cp "$here/tls/other.pem" "$tmp/cert.pem"
    kill -HUP "$relay"
    until_true "a wrong certificate is taken" grep -q event=certificate_not_replaced "$tmp/relay.log"
    exits 0 . "$bin/subscribe" "$quic" clock seconds --groups 1 --pin "$first"
    # A whole one.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=other -keyout "$tmp/new.key" \
        -out "$tmp/new.pem" -addext subjectAltName=IP:127.0.0.1 2>/dev/null
    cp "$tmp/new.pem" "$tmp/cert.pem"
    cp "$tmp/new.key" "$tmp/key.pem"
    kill -HUP "$relay"
    until_true "the new certificate is not taken" eval '[ "$(pin_of relay)" != "$first" ]'
    second=$(pin_of relay)
    exits 0 . "$bin/subscribe" "$quic" clock seconds --groups 1 --pin "$second"
    exits 0 . "$bin/subscribe" "$wss" clock seconds --groups 1 --pin "$second"
    exits 1 "certificate was refused" "$bin/subscribe" "$quic" clock seconds --pin "$first"
    exits 1 "certificate was refused" "$bin/subscribe" "$wss" clock seconds --pin "$first"
    # By itself, within ten seconds.
    cp "$here/tls/key.pem" "$tmp/key.pem"
    cp "$here/tls/cert.pem" "$tmp/cert.pem"
    until_true "a change is not seen" eval '[ "$(pin_of relay)" = "$first" ]'
    # Those that were connected have noticed nothing.
    local before
    before=$(seen)
    until_true "the clock has stopped" eval '[ "$(seen)" -gt "$before" ]'
    [ "$(grep -c event=session_closed.*subscribed=0 "$tmp/relay.log")" = 0 ] || fail "the publisher has lost its connection"
}

# B asks A for broadcasts that nobody announced, and readers at B go on when A comes back.
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
    # Not before it is announced: a request for a broadcast that nobody has is refused.
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

# A reader that asks for an expired group is told in its output what is missing.
case_skipped() {
    relay relay --listen ws://127.0.0.1:0
    mkfifo "$tmp/in"
    start publish sh -c 'exec "$2" "$3" a/pipe --keep 1 <"$1"' - "$tmp/in" "$bin/publish" "$url"
    local publisher=$pid
    exec 7>"$tmp/in"
    # When a reader has read the first line, that line is in a group of its own.
    echo first >&7
    exits 0 '^first$' "$bin/subscribe" "$url" a/pipe data --start 0 --groups 1 --announced
    echo second >&7
    exits 0 '^second$' "$bin/subscribe" "$url" a/pipe data --start 1 --groups 1
    # The first group is kept for a second.
    sleep 1.5
    start subscribe sh -c '"$1" "$2" a/pipe data --start 0 --strict >"$3"; echo "exit code $?" >&2' - \
        "$bin/subscribe" "$url" "$tmp/out" 7>&-
    local subscriber=$pid
    until_true "the second group does not come" grep -q '^second$' "$tmp/out"
    exec 7>&-
    wait "$publisher" || fail "publish: $?"
    wait "$subscriber"
    [ "$(cat "$tmp/out")" = second ] || fail "more than the second group came"
    grep -q '^subscribe: data: group 0 is missing$' "$tmp/subscribe.log" || fail "not a word about what is missing"
    grep -q '^exit code 1$' "$tmp/subscribe.log" || fail "a hole, and the exit code says nothing of it"
}

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

# A program ends when it is told to, at every point of its way to the relay.
case_interrupted() {
    relay relay --listen ws://127.0.0.1:0
    local i result relay_pid=$pid
    ends() {  # DELAY COMMAND...
        local delay=$1
        shift
        result=0
        timeout -s TERM -k 20 "$delay" "$@" </dev/null >"$tmp/ends.log" 2>&1 || result=$?
        [ $result != 137 ] || fail "still there after $delay s: $*"
    }
    for i in $(seq 1 30); do
        ends "0.0$((10 + i))" "$bin/subscribe" "$url" some/path track --announced
    done
    # A relay that takes the connection and says nothing more, and a relay that does not even do that.
    kill -STOP "$relay_pid"
    for i in 0.02 0.3 1; do
        ends $i "$bin/clock" publish "$url"
        ends $i "$bin/clock" subscribe "ws://127.0.0.1:1"
    done
}

# A broadcast in another form, on demand: asked for once, however many watch, and given up after the last of them.
case_transcoder() {
    relay relay --listen ws://127.0.0.1:0
    local viewers=() i
    # Open for both, it waits for nobody.
    mkfifo "$tmp/words"
    exec 3<>"$tmp/words"
    start publish "$bin/publish" "$url" a/words --wait <"$tmp/words"
    start transcoder "$bin/transcoder" "$url" small --upper
    local transcoder=$pid
    until_true "the transcoder does not announce itself" grep -q "event=announced .*path=small" "$tmp/relay.log"
    for i in 1 2 3; do
        start "viewer$i" "$bin/subscribe" "$url" small/a/words data --start 0 --groups 2
        viewers+=("$pid")
    done
    printf 'hello\n' >&3
    for i in 1 2 3; do until_true "viewer $i sees nothing" grep -q HELLO "$tmp/viewer$i.log"; done
    [ "$(grep -c "event=subscribed .*path=a/words" "$tmp/relay.log")" = 1 ] || fail "the source has several readers"
    printf 'world\n' >&3
    for i in 0 1 2; do wait "${viewers[i]}" || fail "viewer: $?"; done
    [ "$(cat "$tmp/viewer3.log")" = $'HELLO\nWORLD' ] || fail "these are other words"
    until_true "it goes on for nobody" grep -q "small/a/words has no viewer any more" "$tmp/transcoder.log"
    until_true "it still reads the source" grep -q "event=unsubscribed .*path=a/words" "$tmp/relay.log"
    exits 1 "not found" "$bin/subscribe" "$url" small/nothing data
    kill -INT "$transcoder"
    wait "$transcoder" || fail "transcoder: $?"
}

case_recorder() {
    relay relay --listen tcp://127.0.0.1:0
    local movie="$here/../../examples/media/clip.mp4" publisher recorder size
    start publish "$bin/publish" "$url" a/clip "$movie" --loop --raw
    publisher=$pid
    # A limit of groups; what is recorded is the beginning of the file.
    timeout "$patience" "$bin/recorder" "$url" a/clip "$tmp/groups" init video --start 0 --groups 2 --wait "$patience" --strict \
        >"$tmp/groups.log" 2>&1 || fail "recorder: $?"
    grep -q "video: 2 groups" "$tmp/groups.log" || fail "no two groups"
    cat "$tmp/groups/init" "$tmp/groups/video" >"$tmp/begin.mp4"
    size=$(stat -c %s "$tmp/begin.mp4")
    [ "$size" -gt 10000 ] && cmp -n "$size" "$tmp/begin.mp4" "$movie" || fail "this is not the beginning of the clip"
    # Limits of bytes and of time.
    exits 0 "video: . groups" "$bin/recorder" "$url" a/clip "$tmp/bytes" video --bytes 5000
    [ "$(stat -c %s "$tmp/bytes/video")" -le 5000 ] || fail "more bytes than that"
    exits 0 "video: . groups" "$bin/recorder" "$url" a/clip "$tmp/time" video --seconds 1
    # Ctrl-C: what was recorded stays.
    start recorder "$bin/recorder" "$url" a/clip "$tmp/stopped" video
    recorder=$pid
    until_true "nothing is recorded" test -s "$tmp/stopped/video"
    kill -INT "$recorder"
    wait "$recorder" || fail "interrupted: $?"
    grep -q "video: [0-9]* groups" "$tmp/recorder.log" || fail "nothing is said"
    kill "$publisher"
    # A disk that is stuck for longer than the publisher keeps its groups.
    mkfifo "$tmp/words"
    mkdir "$tmp/slow"
    mkfifo "$tmp/slow/data"
    exec 3<>"$tmp/words"
    start words "$bin/publish" "$url" a/words --wait --keep 1 <"$tmp/words" 3>&-
    { sleep 3; cat; } <"$tmp/slow/data" >"$tmp/drained" 3>&- &
    pids+=("$!")
    start slow "$bin/recorder" "$url" a/words "$tmp/slow" data --start 0 --wait "$patience" --strict 3>&-
    recorder=$pid
    head -c 400000 /dev/zero >&3
    sleep 2
    echo end >&3
    exec 3>&-
    wait "$recorder" && fail "nothing is missing"
    grep -q "data: [1-9][0-9]* groups are missing" "$tmp/slow.log" || fail "nobody says so"
    exits 1 "was not announced within 1 s" "$bin/recorder" "$url" no/such "$tmp/none" data --wait 1
    exits 1 "not found" "$bin/recorder" "$url" no/such "$tmp/none" data
    exits 1 "cannot be created" "$bin/recorder" "$url" a/clip "$tmp/drained/below" video
    exits 2 "is not the name of a file" "$bin/recorder" "$url" a/clip "$tmp/none" ../video
    exits 2 "'video' is there twice" "$bin/recorder" "$url" a/clip "$tmp/none" video video
    exits 2 "missing URL" "$bin/recorder" "$url" a/clip "$tmp/none"
}

# Movies that are read while somebody watches them; what comes out is an MP4.
case_media_on_demand() {
    relay relay --listen ws://127.0.0.1:0
    start vod "$bin/media_on_demand" "$url" vod "$here/../../examples/media"
    local vod=$pid
    until_true "it does not announce itself" grep -q "event=announced .*path=vod" "$tmp/relay.log"
    timeout "$patience" "$bin/subscribe" "$url" "vod/clip.mp4?t=2" --groups 2 --output "$tmp/part.mp4" || fail "subscribe: $?"
    grep -aq ftyp "$tmp/part.mp4" && grep -aq moof "$tmp/part.mp4" || fail "this is not a movie"
    exits 0 ftyp "$bin/subscribe" "$url" vod/clip.mp4 init video --groups 1
    until_true "it goes on for nobody" grep -q "vod/clip.mp4?t=2 has no viewer any more" "$tmp/vod.log"
    exits 1 "not found" "$bin/subscribe" "$url" vod/nothing.mp4
    exits 1 "is not a directory" "$bin/media_on_demand" "$url" vod "$tmp/nothing"
    kill -INT "$vod"
    wait "$vod" || fail "media_on_demand: $?"
}

case_clock() {
    relay relay --listen tcp://127.0.0.1:0
    # Either may come first.
    start reader "$bin/clock" subscribe "$url" --count 2
    local reader=$pid
    start clock "$bin/clock" publish "$url"
    wait "$reader" || fail "the reader ends with $?"
    [ "$(grep -Ec '^20[0-9-]+ [0-9:]{8}$' "$tmp/reader.log")" = 2 ] || fail "no two lines"
}

# A publisher that sends nothing and reads nothing does not block its successor.
case_frozen() {
    relay relay --listen ws://127.0.0.1:0
    start old "$bin/clock" publish "$url"
    local old=$pid seen begin
    start viewer "$bin/clock" subscribe "$url"
    lines() { grep -c ^20 "$tmp/viewer.log"; }
    until_true "no clock" eval '[ "$(lines)" -ge 1 ]'
    kill -STOP "$old"
    begin=$SECONDS
    start new "$bin/clock" publish "$url"
    until_true "no second publisher" eval '[ "$(grep -c event=session_opened "$tmp/relay.log")" = 3 ]'
    seen=$(lines)
    until_true "the viewer stays with a publisher that is frozen" eval '[ "$(lines)" -ge $((seen + 7)) ]'
    [ $((SECONDS - begin)) -lt 18 ] || fail "it took $((SECONDS - begin)) s"
    until_true "a peer that answers no ping stays" grep -q "event=session_closed .*reason=.*timed" "$tmp/relay.log"
    [ $((SECONDS - begin)) -lt 28 ] || fail "it stayed for $((SECONDS - begin)) s"
}

# What a key of HMAC signs, and the key as a file has it.
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
key_of() { printf '{"kty":"oct","alg":"HS256","k":"%s"}' "$(printf %s "$1" | base64url)"; }  # SECRET
token() {  # SECRET CLAIMS [HEADER]
    local header=${3:-'{"alg":"HS256"}'} text
    text=$(printf %s "$header" | base64url).$(printf %s "$2" | base64url)
    printf '%s.%s' "$text" "$(printf %s "$text" | openssl dgst -sha256 -hmac "$1" -binary | base64url)"
}

# A viewer that asks there is refused, and the relay's log says why.
turned_away() {  # URL PATTERN_OF_THE_LOG [OPTION...]
    local before to=$1 why=$2
    shift 2
    before=$(grep -Ec "event=refused .*$why" "$tmp/relay.log" || true)
    start outside "$bin/subscribe" "$to" x video "$@"
    until_true "$why is let in" eval '[ "$(grep -Ec "event=refused .*$why" "$tmp/relay.log")" -gt "$before" ]'
    until_true "nobody is told of: $why" grep -Eqi "not authorized|refused|40[13]|trying again" "$tmp/outside.log"
    kill "$pid" 2>/dev/null || true
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

# NAME FILE [CERTIFICATE KEY]: a service that decides, whose port is then $port: it says what the query says, and writes down in NAME.log
# what it is asked. Once there is such a file, it changes its mind.
service() {
    cat >"$tmp/service.py" <<'END'
import http.server, json, os, ssl, sys, urllib.parse
class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(json.dumps(asked), flush=True)
        says = urllib.parse.parse_qs(asked.get("query", "")).get("says", [""])[0]
        if asked["event"] == "revalidate" and os.path.exists(sys.argv[1]):
            says = "403"
        status, body = (200, says) if says.startswith("{") else (int(says or 403), "{}")
        self.send_response(status)
        if "chunked" in asked.get("query", ""):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body.encode()))
        else:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("", 0), Service)
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    # Each connection shakes hands on its own thread.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
END
    local name=$1
    shift
    start "$name" python3 "$tmp/service.py" "$@"
    until_true "no service" grep -q '^[0-9]' "$tmp/$name.log"
    port=$(sed -n 1p "$tmp/$name.log")
}

case_auth_service() {
    service service "$tmp/no_more"
    local service=$pid ws tcp
    relay relay --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --auth-url "http://127.0.0.1:$port/"
    ws=${url%/}
    tcp=$(sed -n 's/.*url=\(tcp:.*\)/\1/p' "$tmp/relay.log")
    port=${ws##*:}
    start clock "$bin/clock" publish "$tcp/room?says={\"publish\":[\"a/**\"]}" --path a/clock
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$ws/room/a?says={\"subscribe\":[\"**\"]}&chunked" clock seconds --groups 1 --announced
    # Another root than the one that was asked for.
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$ws/alias?says={\"subscribe\":[\"**\"],\"root\":\"room\"}" a/clock seconds --groups 1 --announced
    grep -q '"event": "connect".*"path": "/room".*"transport": "tcp"' "$tmp/service.log" || fail "the service is asked something else"
    until_true "the service is not told of the end" grep -q '"event": "end".*"reason": "closed".*"transport": "websocket"' "$tmp/service.log"
    turned_away "$ws/room" "the service for authorization refuses"
    # A page of another origin is turned away before the service is asked.
    answers 403 "127.0.0.1:$port" "http://evil.example" -- "/page?says={\"subscribe\":[\"**\"]}"
    ! grep -q '"path": "/page"' "$tmp/service.log" || fail "a page of another origin asks the service"
    turned_away "$tcp/room?says=401" "the service for authorization refuses"
    turned_away "$ws/room?says=500" "the service for authorization is away"
    turned_away "$ws/room?says={}" "the service allows nothing"
    turned_away "$ws/room?says={\"publish\":[\"one\"]}" "cannot keep to"
    [[ $(get 'GET /fetch/room/a/clock/seconds?says={"subscribe":["room/**"]}') == *" 200 "* ]] || fail "no media by a grant"
    [[ $(get 'GET /fetch/room/a/clock/seconds') == *" 401 "* ]] || fail "media without a grant"
    # It wants to be asked again, and changes its mind.
    start brief "$bin/subscribe" "$ws/room/a?says={\"subscribe\":[\"**\"],\"revalidate\":1,\"expires\":4000000000}" clock seconds --announced --tries 1
    until_true "the service is not asked again" grep -q '"event": "revalidate"' "$tmp/service.log"
    ! grep -q 'event=session_closed .*reason="not authorized"' "$tmp/relay.log" || fail "a session ends although it may go on"
    touch "$tmp/no_more"
    until_true "a session goes on without a grant" grep -q 'event=session_closed .*reason="not authorized"' "$tmp/relay.log"
    until_true "the service is not told why" grep -q '"event": "end".*"reason": "refused"' "$tmp/service.log"
    kill "$service"
    turned_away "$ws/room?says={\"subscribe\":[\"**\"]}" "the service for authorization is away"
    ! grep -q says= "$tmp/relay.log" || fail "the log has a query"
}

# The same by TLS: a service that is not the one of the URL is told nothing, and nobody is let in.
case_auth_service_tls() {
    local ca="$here/tls/cert.pem" says='?says={"publish":["**"],"subscribe":["**"]}'
    service service "$tmp/no_more" "$ca" "$here/tls/key.pem"
    local at=$port
    relay relay --listen wss://localhost:0 --cert "$ca" --key "$here/tls/key.pem" --auth-url "https://localhost:$at/decide" --ca "$ca"
    url=${url%/}
    start clock "$bin/clock" publish "$url/room$says" --path a/clock --ca "$ca"
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$url/room$says" a/clock seconds --groups 1 --announced --ca "$ca"
    grep -q '"event": "connect".*"path": "/room".*"server_name": "localhost"' "$tmp/service.log" || fail "the service is asked something else"
    turned_away "$url/room?says=403" "the service for authorization refuses" --ca "$ca"
    local asked
    asked=$(grep -c '"event": "connect"' "$tmp/service.log")
    # Its certificate is of another authority, or for another name.
    relay stranger --listen ws://127.0.0.1:0 --auth-url "https://localhost:$at/" --ca "$here/tls/other.pem"
    relay other --listen ws://127.0.0.1:0 --auth-url "https://127.0.0.2:$at/" --ca "$ca"
    local name
    for name in stranger other; do
        url=$(sed -n 's/.*event=listening url=//p' "$tmp/$name.log")
        exits 1 "the transport failed" "$bin/subscribe" "${url%/}/room$says" a/clock seconds --tries 1
        grep -q "event=refused .*status=503 reason=\"the service for authorization is away\"" "$tmp/$name.log" || fail "$name lets somebody in"
        grep -q "event=auth_service_away .*error=.*certificate" "$tmp/$name.log" || fail "$name does not say why"
    done
    [ "$(grep -c '"event": "connect"' "$tmp/service.log")" = "$asked" ] || fail "a service that nobody trusts is asked"
}

# Another relay, by its certificate, where all others need a token.
case_peers() {
    local name hub
    authority() {  # NAME: an authority, and a client's certificate
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj "/CN=$1" -keyout "$tmp/$1.key" -out "$tmp/$1.pem"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=a relay of $1" -keyout "$tmp/$1-relay.key" -out "$tmp/$1.csr"
        openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/$1.pem" -CAkey "$tmp/$1.key" -CAcreateserial -days 5 -out "$tmp/$1-relay.pem"
    }
    for name in ours theirs; do authority $name >/dev/null 2>&1 || fail "no certificates"; done
    relay relay --listen wss://127.0.0.1:0 --cert "$here/tls/cert.pem" --key "$here/tls/key.pem" --peer-ca "$tmp/ours.pem" --public-publish '' --public-subscribe 'open/**'
    hub=$url
    relay edge --listen ws://127.0.0.1:0 --upstream "$hub" --ca "$here/tls/cert.pem" --upstream-cert "$tmp/ours-relay.pem" --upstream-key "$tmp/ours-relay.key"
    start clock "$bin/clock" publish "$url" --path open/clock
    start secret "$bin/clock" publish "$url" --path shut/clock
    until_true "another relay may not publish" eval '[ "$(grep -c event=announced "$tmp/relay.log")" = 2 ]'
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$hub" open/clock seconds --groups 1 --announced --ca "$here/tls/cert.pem"
    turned_away "${hub}shut" "nothing is allowed" --ca "$here/tls/cert.pem"
    relay other --listen ws://127.0.0.1:0 --upstream "$hub" --ca "$here/tls/cert.pem" --upstream-cert "$tmp/ours-relay.pem" --upstream-key "$tmp/ours-relay.key"
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$url" shut/clock seconds --groups 1 --announced
    # A certificate of somebody else.
    relay stranger --listen ws://127.0.0.1:0 --upstream "$hub" --ca "$here/tls/cert.pem" --upstream-cert "$tmp/theirs-relay.pem" --upstream-key "$tmp/theirs-relay.key"
    until_true "a certificate of another authority is taken" grep -q event=upstream_lost "$tmp/stranger.log"
    ! grep -q event=upstream_connected "$tmp/stranger.log" || fail "a certificate of another authority is taken"
    # And the hub's own, which that authority has not signed.
    relay imposter --listen ws://127.0.0.1:0 --upstream "$hub" --ca "$here/tls/cert.pem" --upstream-cert "$here/tls/cert.pem" --upstream-key "$here/tls/key.pem"
    until_true "any certificate is taken" grep -q event=upstream_lost "$tmp/imposter.log"
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

# URL: a session there has begun, and has ended with its token. On a machine that is busy it may begin too late: then again.
ends_with_its_token() {
    local brief
    brief=$(token $first "{\"get\":\"\",\"exp\":$(($(date +%s) + 3))}")
    timeout 10 "$bin/subscribe" "$1?jwt=$brief" live/clock seconds --announced --tries 1 >>"$tmp/brief.log" 2>&1 || true
    grep -q 'event=session_closed .*reason="not authorized"' "$tmp/relay.log"
}

case_tokens() {
    local first=first-secret-of-thirty-two-octets-at-least second=second-secret-of-thirty-two-octets-at-least
    key_of $first >"$tmp/key.jwk"
    relay relay --listen ws://127.0.0.1:0 --listen tcp://127.0.0.1:0 --auth-key "$tmp/key.jwk" --public-subscribe 'open/**' --log debug
    local relay=$pid ws=${url%/} tcp maker viewer
    tcp=$(sed -n 's/.*url=\(tcp:.*\)/\1/p' "$tmp/relay.log")
    port=${ws##*:}
    maker=$(token $first '{"root":"studio","put":["live"],"iat":1}')
    viewer=$(token $first '{"root":"studio","get":""}')
    start ticking "$bin/clock" publish "$tcp/studio?jwt=$maker" --path live/clock
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$ws/studio/live?jwt=$viewer" clock seconds --groups 1 --announced
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$tcp/?jwt=$viewer" studio/live/clock seconds --groups 1 --announced
    # Each in its place alone.
    local each
    for each in "$ws" "$tcp"; do
        turned_away "$each/studio" 'reason="no token"'
        turned_away "$each/elsewhere?jwt=$viewer" 'reason="nothing is allowed there"'
        turned_away "$each/studio?jwt=${viewer}A" 'reason="the token'
        turned_away "$each/studio?jwt=$(token $second '{"get":""}')" "reason=\"the token's signature is wrong\""
        turned_away "$each/studio?jwt=$(token $first '{"get":""}' '{"alg":"none"}')" 'reason="the token has another algorithm than its key"'
        turned_away "$each/studio?jwt=$(token $first '{"get":"","exp":1700000000}')" 'reason="the token has expired"'
        turned_away "$each/studio?jwt=$(token $first '{"get":"","nbf":32503680000}')" 'reason="the token is not valid yet"'
        turned_away "$each/studio?jwt=$(token $first '{"get":"","aud":"x"}')" 'reason="the token is for somebody else"'
    done
    answers 401 "127.0.0.1:$port" -- "/studio"
    answers 401 "127.0.0.1:$port" -- "/open?jwt=a.b.c"
    answers 403 "127.0.0.1:$port" -- "/elsewhere?jwt=$viewer"
    # What anybody may: watch, where it is public.
    start public "$bin/clock" publish "$ws?jwt=$(token $first '{"put":"open"}')" --path open/clock
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$tcp/open" clock seconds --groups 1 --announced
    [[ $(get "GET /announced/studio") == *" 403 "* ]] || fail "names without a token"
    [[ $(get "GET /metrics") == *" 401 "* ]] || fail "counters without a token"
    [[ $(get "GET /announced/studio?jwt=$viewer") == *" 200 "*'["live/clock"]'* ]] || fail "no names by a token"
    [[ $(get "GET /fetch/studio/live/clock/seconds?jwt=$viewer") == *" 200 "* ]] || fail "no media by a token"
    [[ $(get "GET /fetch/studio/live/clock/seconds?jwt=$maker") == *" 40"[134]" "* ]] || fail "media by another token"
    [[ $(get "GET /metrics?jwt=$viewer") == *" 403 "* ]] || fail "counters by a token for less"
    [[ $(get "GET /metrics?jwt=$(token $first '{"get":""}')") == *" 200 "* ]] || fail "no counters by a token"
    # A session ends with its token.
    until_true "a session goes on after its token" ends_with_its_token "$ws/studio"
    # Another key, for those who come now.
    echo nonsense >"$tmp/key.jwk"
    kill -HUP "$relay"
    until_true "nonsense is taken for a key" grep -q event=auth_keys_not_replaced "$tmp/relay.log"
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$ws/studio/live?jwt=$viewer" clock seconds --groups 1 --announced
    key_of $second >"$tmp/key.jwk"
    kill -HUP "$relay"
    until_true "another key is not taken" eval '[ "$(grep -c event=auth_keys "$tmp/relay.log")" -ge 3 ]'
    turned_away "$ws/studio?jwt=$viewer" "reason=\"the token's signature is wrong\""
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$ws/studio?jwt=$(token $second '{"get":"studio"}')" live/clock seconds --groups 1 --announced
    # Signatures, and claims.
    ! grep -Eq "${maker##*.}|${viewer##*.}|jwt=|eyJ" "$tmp/relay.log" "$tmp/brief.log" "$tmp/ticking.log" || fail "a log has a token"
}

# URL: a session there ends with its token. On a machine that is busy it may begin too late: then again.
quic_ends_with_its_token() {
    local brief ended
    ended=$(grep -c 'event=session_closed .*reason="not authorized"' "$tmp/relay.log" || true)
    brief=$(token $first "{\"get\":\"\",\"exp\":$(($(date +%s) + 3))}")
    timeout 10 "$bin/subscribe" "$1?jwt=$brief" live/clock seconds --announced --tries 1 --pin "$pin" >>"$tmp/brief.log" 2>&1 || true
    [ "$(grep -c 'event=session_closed .*reason="not authorized"' "$tmp/relay.log")" -gt "$ended" ]
}

# Tokens over WebTransport, where they stand in the URL, and over QUIC alone, where SETUP carries them.
case_quic_tokens() {
    local first=first-secret-of-thirty-two-octets-at-least second=second-secret-of-thirty-two-octets-at-least
    key_of $first >"$tmp/key.jwk"
    relay relay --listen https://127.0.0.1:0 "${generated[@]}" --auth-key "$tmp/key.jwk" --public-subscribe 'open/**' --log debug
    local https=${url%/} quic="moql://127.0.0.1:${url##*:}" pin maker viewer
    quic=${quic%/}
    pin=$(pin_of relay)
    maker=$(token $first '{"root":"studio","put":["live"]}')
    viewer=$(token $first '{"root":"studio","get":""}')
    start ticking "$bin/clock" publish "$https/studio?jwt=$maker" --path live/clock --pin "$pin"
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$quic/studio/live?jwt=$viewer" clock seconds --groups 1 --announced --pin "$pin"
    exits 0 'by WebTransport' timeout "$patience" "$bin/subscribe" "$https/?jwt=$viewer" studio/live/clock seconds --groups 1 --announced --pin "$pin" --verbose
    [ "$(grep -c 'event=session_opened .*protocol=h3.moq-lite-06' "$tmp/relay.log")" = 2 ] || fail "no WebTransport"
    local each refused
    for each in "$quic" "$https"; do
        turned_away "$each/studio" 'reason="no token"' --pin "$pin"
        turned_away "$each/elsewhere?jwt=$viewer" 'reason="nothing is allowed there"' --pin "$pin"
        turned_away "$each/studio?jwt=$(token $second '{"get":""}')" "reason=\"the token's signature is wrong\"" --pin "$pin"
        turned_away "$each/studio?jwt=$(token $first '{"get":"","exp":1700000000}')" 'reason="the token has expired"' --pin "$pin"
        # What it does not allow.
        exits 1 "not found|not authorized" "$bin/subscribe" "$each/studio?jwt=$maker" live/clock seconds --tries 1 --pin "$pin"
        until_true "a session goes on after its token" quic_ends_with_its_token "$each/studio"
    done
    # A client that WebTransport refuses asks by WebSocket, and that refuses it, too.
    refused=$(grep -c "event=refused .*status=401" "$tmp/relay.log")
    exits 1 "not authorized|refused|401" "$bin/subscribe" "$https/studio" x video --tries 1 --pin "$pin"
    [ "$(grep -c "event=refused .*status=401" "$tmp/relay.log")" = $((refused + 2)) ] || fail "WebTransport or WebSocket does not refuse"
    ! grep -Eq "${maker##*.}|${viewer##*.}|jwt=|eyJ" "$tmp/relay.log" "$tmp/brief.log" "$tmp/ticking.log" || fail "a log has a token"
}

case_token_folder() {
    local first=first-secret-of-thirty-two-octets-at-least second=second-secret-of-thirty-two-octets-at-least
    mkdir "$tmp/keys"
    key_of $first >"$tmp/keys/first.jwk"
    echo nonsense >"$tmp/keys/wrong.jwk"
    relay relay --listen tcp://127.0.0.1:0 --auth-key-dir "$tmp/keys" --auth-audience here
    grep -q 'event=auth_key_left_out file=.*wrong.jwk' "$tmp/relay.log" || fail "nothing is said of a wrong key"
    start clock "$bin/clock" publish "$url?jwt=$(token $first '{"put":"","aud":"here"}' '{"alg":"HS256","kid":"first"}')"
    local viewer claims='{"get":"","aud":["there","here"]}'
    viewer=$(token $second "$claims" '{"alg":"HS256","kid":"second"}')
    turned_away "$url?jwt=$viewer" 'reason="no key for the token"'
    turned_away "$url?jwt=$(token $first "$claims")" 'reason="no key for the token"'
    turned_away "$url?jwt=$(token $first '{"get":""}' '{"alg":"HS256","kid":"first"}')" 'reason="the token is for somebody else"'
    # By itself, within ten seconds.
    key_of $second >"$tmp/keys/second.jwk"
    until_true "a new key is not seen" grep -q "event=auth_keys count=2" "$tmp/relay.log"
    exits 0 '^20' timeout "$patience" "$bin/subscribe" "$url?jwt=$viewer" clock seconds --groups 1 --announced
}

case_stats() {
    relay relay --listen tcp://127.0.0.1:0 --stats 1 --threads 3 --log debug
    until_true "no stats" grep -q "level=info event=stats connected=0 entered=0" "$tmp/relay.log"
}

# What --help says, and nothing else.
case_help() {
    local program
    for program in relay publish subscribe clock; do
        exits 0 "usage: $program" "$bin/$program" --help
    done
}

if [ $# != 2 ] || ! declare -F "case_$2" >/dev/null; then
    echo "usage: network.sh DIRECTORY_OF_PROGRAMS CASE" >&2
    exit 2
fi
"case_$2"
echo "ok"
