# QUIC and WebTransport, over good links, bad ones and none. network.sh reads this file.

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

# URL: a link to there that loses, doubles, delays and spoils packets, and whose clients change their ports meanwhile: $port.
bad_link() {
    port=${1##*:}
    start link python3 "$here/bad_link.py" "${port%/}"
    link=$pid
    until_true "no link" grep -q ^port= "$tmp/link.log"
    port=$(sed -n 's/^port=\([0-9]*\) .*/\1/p' "$tmp/link.log")
}

case_bad_link() {
    relay relay --listen https://127.0.0.1:0 "${generated[@]}"
    local pin port link
    pin=$(pin_of relay)
    bad_link "$url"
    pipe_through "moql://127.0.0.1:$port" "moql://127.0.0.1:$port" --pin "$pin"
    # The word that the first publisher has left may be lost: its broadcast stays for a while.
    pipe_name=a/second pipe_through "https://127.0.0.1:$port" "https://127.0.0.1:$port" --pin "$pin" --verbose
    grep -q "by WebTransport" "$tmp/subscribe.log" || fail "a client does not say how it is connected"
    kill "$link"
    wait "$link" || fail "the link: $?"
    cat "$tmp/link.log"
    grep -Eq 'lost=[1-9].*doubled=[1-9].*late=[1-9].*spoiled=[1-9].*rebindings=[1-9]' "$tmp/link.log" || fail "the link was good"
}

# Two threads share a port. Both have clients, who stay at theirs when their ports change.
case_quic_threads() {
    if [ "$(uname)" != Linux ]; then
        echo "WITHOUT a shared port: this is not Linux"
        return
    fi
    relay relay --listen moql://127.0.0.1:0 --threads 2 "${generated[@]}"
    local pin port link relay=$pid
    pin=$(pin_of relay)
    # Chance gives each client to one of them: all 30 to the same one in one of 500 million runs.
    for _ in {1..30}; do exits 1 "not found" "$bin/subscribe" "$url" no/such/broadcast video --pin "$pin"; done
    bad_link "$url"
    pipe_through "moql://127.0.0.1:$port" "moql://127.0.0.1:$port" --pin "$pin"
    kill "$link"
    wait "$link" || fail "the link: $?"
    grep -Eq 'rebindings=[1-9]' "$tmp/link.log" || fail "nobody has changed its port"
    kill "$relay"
    wait "$relay" || fail "the relay: $?"
    grep event=socket_closed "$tmp/relay.log"
    [ "$(grep -c "event=socket_closed.*connections=[1-9]" "$tmp/relay.log")" = 2 ] || fail "a thread has had no client"
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
        until_true "a session goes on after its token" ends_with_its_token "$each/studio" --pin "$pin"
    done
    # A client that WebTransport refuses asks by WebSocket, and that refuses it, too.
    refused=$(grep -c "event=refused .*status=401" "$tmp/relay.log")
    exits 1 "not authorized|refused|401" "$bin/subscribe" "$https/studio" x video --tries 1 --pin "$pin"
    [ "$(grep -c "event=refused .*status=401" "$tmp/relay.log")" = $((refused + 2)) ] || fail "WebTransport or WebSocket does not refuse"
    ! grep -Eq "${maker##*.}|${viewer##*.}|jwt=|eyJ" "$tmp/relay.log" "$tmp/brief.log" "$tmp/ticking.log" || fail "a log has a token"
}
