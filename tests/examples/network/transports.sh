# Ways to a relay: WebSocket, TCP, TLS, names, and a relay that asks another one. network.sh reads this file.

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
