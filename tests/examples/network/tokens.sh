# Tokens, and services that decide. network.sh reads this file.

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
    start outside "$bin/subscribe" "$to" x of_an_outsider "$@"
    until_true "$why is let in" eval '[ "$(grep -Ec "event=refused .*$why" "$tmp/relay.log")" -gt "$before" ]'
    until_true "nobody is told of: $why" grep -Eqi "not authorized|refused|40[13]|trying again" "$tmp/outside.log"
    kill "$pid" 2>/dev/null || true
    ! grep -q "track=of_an_outsider" "$tmp/relay.log" || fail "a client that is turned away reaches a handler: $why"
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

# URL [OPTION...]: a session there has begun, and has ended within a second after its token. On a machine that is busy it may begin, or end,
# too late: then again.
ends_with_its_token() {
    local over=$(($(date +%s) + 3)) to=$1 lines closed late
    shift
    lines=$(wc -l <"$tmp/relay.log")
    timeout 10 "$bin/subscribe" "$to?jwt=$(token $first "{\"get\":\"\",\"exp\":$over}")" live/clock seconds --announced --tries 1 "$@" \
        >>"$tmp/brief.log" 2>&1 || true
    closed=$(tail -n +$((lines + 1)) "$tmp/relay.log" |
        sed -n 's/^time=\([^ ]*\) .*event=session_closed .*reason="not authorized".*/\1/p' | tail -n 1)
    [ -n "$closed" ] || return 1
    late=$(($(date -d "$closed" +%s%3N) - 1000 * over))
    [ $late -ge 0 ] && [ $late -lt 1000 ]
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
