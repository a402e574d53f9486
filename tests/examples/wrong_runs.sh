#!/usr/bin/env bash
# The programs that speak to a relay, told something that cannot work: wrong_runs.sh DIRECTORY_OF_PROGRAMS
#
# Each says why in one line on standard error, writes nothing to standard output, and ends with a code that is not 0: 2 for a
# wrong command line, 1 for the rest. All of them run side by side.
set -uo pipefail

. "$(dirname "$0")/programs.sh"
patience=${PATIENCE:-60}
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# ---- what they are told to speak to ----

relay() {  # NAME OPTION...: its first listener is then $url
    local name=$1 end=$((SECONDS + patience))
    shift
    "$bin/relay" "$@" >"$tmp/$name.log" 2>&1 &
    pids+=($!)
    until url=$(sed -n 's/.*event=listening url=//p' "$tmp/$name.log" 2>/dev/null | head -n 1) && [ -n "$url" ]; do
        [ $SECONDS -lt $end ] || { fail "$name does not listen"; cat "$tmp/$name.log"; exit 1; }
        sleep 0.05
    done
    url=${url%/}
}
cert=$here/tls/cert.pem
relay ws --listen ws://127.0.0.1:0
ws=$url
relay tcp --listen tcp://127.0.0.1:0
tcp=$url
relay wss --listen wss://127.0.0.1:0 --cert "$cert" --key "$here/tls/key.pem"
wss=$url
relay tls --listen tls://127.0.0.1:0 --cert "$cert" --key "$here/tls/key.pem"
tls=$url
relay shut --listen ws://127.0.0.1:0 --path-allow open
shut=$url
to() { echo "$1://${2#*://}"; }  # the same host and port by another scheme
down=127.0.0.1:1
mkdir "$tmp/directory"
echo "text" >"$tmp/text"
: >"$tmp/empty"

# ---- the table: CODE, a pattern of the line, and the command ----

count=0
runs=()
wrong() {
    local code=$1 pattern=$2
    shift 2
    count=$((count + 1))
    printf '%s\n' "$code" >"$tmp/$count.code"
    printf '%s\n' "$pattern" >"$tmp/$count.pattern"
    printf '%q ' "$@" >"$tmp/$count.command"
    {
        result=0
        timeout "$patience" "$bin/$1" "${@:2}" </dev/null >"$tmp/$count.out" 2>"$tmp/$count.err" || result=$?
        echo $result >"$tmp/$count.result"
    } &
    runs+=($!)
    # A few at a time: each takes memory, and the machine may be small.
    while [ "$(jobs -rp | wc -l)" -gt $((12 + ${#pids[@]})) ]; do wait -n; done
}

# Command lines.
wrong 2 "where to listen" relay
wrong 2 "has a path" relay --listen ws://127.0.0.1:0/room
wrong 2 "http://|need --cert" relay --listen http://127.0.0.1:1
wrong 2 "names no port" relay --listen tcp://127.0.0.1
wrong 2 "names no port" relay --listen ws://127.0.0.1
wrong 2 "names no port" relay --listen "ws://[::1]/"
wrong 2 "port" relay --listen ws://127.0.0.1:99999
wrong 2 "port" relay --listen ws://127.0.0.1:
wrong 2 "needs a value" relay --listen
wrong 2 "need --cert and --key" relay --listen wss://127.0.0.1:0
wrong 2 "there is none" relay --listen ws://127.0.0.1:0 --cert x --key y
wrong 2 "is not a directory" relay --listen ws://127.0.0.1:0 --web "$tmp/nowhere"
wrong 2 "needs a ws or wss" relay --listen tcp://127.0.0.1:0 --web "$tmp"
wrong 2 "takes a path" relay --listen ws://127.0.0.1:0 --path-allow $'a\tb'
wrong 2 "an empty one limits nothing" relay --listen ws://127.0.0.1:0 --path-allow ''
wrong 2 "takes a number from 1 to 256" relay --listen ws://127.0.0.1:0 --threads 0
for option in --max-per-address --max-handshakes --max-announced --max-requested --max-waiting --cache --newest; do
    wrong 2 "$option takes a number from 1" relay --listen ws://127.0.0.1:0 $option 0
done
wrong 2 "in place of" relay --listen ws://127.0.0.1:0 --auth-key x --auth-key-dir y
wrong 2 "needs a wss or tls" relay --listen ws://127.0.0.1:0 --peer-ca "$cert"
wrong 1 "nowhere.pem: " relay --listen wss://127.0.0.1:0 --cert "$cert" --key "$here/tls/key.pem" --peer-ca nowhere.pem
wrong 1 "key.pem: " relay --listen wss://127.0.0.1:0 --cert "$cert" --key "$here/tls/key.pem" --peer-ca "$here/tls/key.pem"
wrong 2 "go together" relay --listen ws://127.0.0.1:0 --upstream "$wss" --upstream-cert "$cert"
wrong 2 "is for upstreams at wss" relay --listen ws://127.0.0.1:0 --upstream "$ws" --upstream-cert x --upstream-key y
wrong 2 "need --auth-key" relay --listen ws://127.0.0.1:0 --auth-audience x
if [[ $("$bin/relay" --listen ws://127.0.0.1:0 --auth-key x 2>&1) == *"built without tokens"* ]]; then
    wrong 2 "built without tokens" relay --listen ws://127.0.0.1:0 --auth-key x
else
    wrong 2 "https URL" relay --listen ws://127.0.0.1:0 --auth-url http://192.0.2.1/
    wrong 2 "https URL" relay --listen ws://127.0.0.1:0 --auth-url ftp://localhost/
    wrong 2 "in place of" relay --listen ws://127.0.0.1:0 --auth-url http://localhost/ --public-publish a
    wrong 2 "in place of" relay --listen ws://127.0.0.1:0 --auth-url http://localhost/ --auth-key x
    wrong 1 "nowhere.pem" relay --listen ws://127.0.0.1:0 --auth-url https://localhost/ --ca nowhere.pem
    wrong 1 "nowhere.jwk: " relay --listen ws://127.0.0.1:0 --auth-key nowhere.jwk
    wrong 1 "nowhere: " relay --listen ws://127.0.0.1:0 --auth-key-dir nowhere
    wrong 1 "cert.pem: .*not a JSON Web Key" relay --listen ws://127.0.0.1:0 --auth-key "$cert"
fi
if [[ $("$bin/relay" --config x 2>&1) == *"built without files"* ]]; then
    wrong 2 "built without files of options" relay --config x
else
    wrong 2 "nowhere.toml" relay --config nowhere.toml
    printf 'listen = "ws://127.0.0.1:0"\nthreads = 0\n' >"$tmp/threads.toml"
    wrong 2 "threads.toml:2: --threads takes a number from 1" relay --config "$tmp/threads.toml"
fi
wrong 2 "log level" relay --listen ws://127.0.0.1:0 --log loud
wrong 2 "unknown option '--frobnicate'" relay --frobnicate
wrong 2 "unexpected argument" relay --listen ws://127.0.0.1:0 word
wrong 2 "missing URL or PATH" publish
wrong 2 "missing URL or PATH" publish "$ws"
wrong 2 "loop needs a file" publish "$ws" x --loop
wrong 2 "invalid path" publish "$ws" $'a\tb'
wrong 2 "unexpected argument" publish "$ws" x - more
wrong 2 "takes a number" publish "$ws" x --keep 0
wrong 2 "--tries takes a number from 1" publish "$ws" x --tries 0
wrong 2 "needs a value" publish "$ws" x --ca
wrong 2 "http://" publish http://127.0.0.1 x
wrong 2 "port" publish tcp://127.0.0.1 x
wrong 2 "missing URL or PATH" subscribe "$ws"
wrong 2 "cmaf, legacy or loc" publish "$ws" x --container mkv
wrong 2 "invalid path" subscribe "$ws" $'a\tb' x
wrong 2 "takes a number" subscribe "$ws" x video --groups 0
wrong 2 "takes a number" subscribe "$ws" x video --start minus
wrong 2 "takes no value" subscribe "$ws" x video --strict=yes
wrong 2 "publish or subscribe" clock watch "$ws"
wrong 2 "publish or subscribe" clock publish
wrong 2 "invalid path" clock publish "$ws" --path $'a\tb'

wrong 2 "pin takes sha256:" publish "$ws" x --pin ab
wrong 2 "as many --cert as --key" relay --listen wss://127.0.0.1:0 --cert x

# QUIC.
if [[ $("$bin/relay" --listen moql://127.0.0.1:0 2>&1) == *"built without QUIC"* ]]; then
    wrong 2 "built without QUIC" relay --listen moql://127.0.0.1:0
    wrong 2 "built without QUIC" relay --listen https://127.0.0.1:0
    wrong 2 "built without QUIC" relay --listen wss://127.0.0.1:0 --tls-generate localhost
    wrong 2 "built without QUIC" publish moqt://127.0.0.1:1 x
else
    wrong 2 "need --cert and --key" relay --listen moql://127.0.0.1:0
    wrong 2 "need --cert and --key" relay --listen https://127.0.0.1:0
    wrong 2 "names no port" relay --listen https://127.0.0.1 --tls-generate localhost
    wrong 2 "names no port" relay --listen moqt://127.0.0.1 --tls-generate localhost
    wrong 2 "in place of" relay --listen moql://127.0.0.1:0 --tls-generate localhost --cert x --key y
    wrong 2 "there is none" relay --listen ws://127.0.0.1:0 --tls-generate localhost
    wrong 2 "takes a host name" relay --listen moql://127.0.0.1:0 --tls-generate "a b"
    wrong 1 "nowhere.pem: " relay --listen moql://127.0.0.1:0 --cert nowhere.pem --key nowhere.pem
    wrong 1 "text: " relay --listen moql://127.0.0.1:0 --cert "$tmp/text" --key "$here/tls/key.pem"
    wrong 1 "other.pem|key" relay --listen moql://127.0.0.1:0 --cert "$here/tls/other.pem" --key "$here/tls/key.pem"
    wrong 1 "expired" relay --listen moql://127.0.0.1:0 --cert "$here/tls/expired.pem" --key "$here/tls/key.pem"
    wrong 1 "cannot listen at moql://192.0.2.1:1" relay --listen moql://192.0.2.1:1 --tls-generate localhost
    wrong 1 "nowhere.pem" publish moql://127.0.0.1:1 x --ca nowhere.pem
    wrong 1 "refused" publish "moql://$down" x --tries 1
    wrong 1 "refused" subscribe "moqt://$down" x video --tries 1
    wrong 1 "no-such-host.invalid" publish moql://no-such-host.invalid:1 x --tries 1
fi

# Files, and addresses to listen at.
wrong 1 "nowhere.pem: " relay --listen wss://127.0.0.1:0 --cert nowhere.pem --key nowhere.pem
wrong 1 "text: " relay --listen wss://127.0.0.1:0 --cert "$tmp/text" --key "$here/tls/key.pem"
wrong 1 "other.pem|key" relay --listen wss://127.0.0.1:0 --cert "$here/tls/other.pem" --key "$here/tls/key.pem"
wrong 1 "cannot listen at ws://192.0.2.1:1" relay --listen ws://192.0.2.1:1
wrong 1 "cannot listen at" relay --listen "$ws"
wrong 1 "cannot listen at" relay --listen "$(to tcp "$ws")"
wrong 1 "'nowhere.mp4' is not there" publish "$ws" x nowhere.mp4
wrong 1 "is not an MP4" publish "$ws" x "$0"
wrong 1 "is a directory" publish "$ws" x "$tmp/directory"
wrong 1 "is empty" publish "$ws" x "$tmp/empty"
wrong 1 "nowhere.pem" publish "$wss" x --ca nowhere.pem
wrong 1 "text" subscribe "$tls" x video --ca "$tmp/text"

# Relays that cannot be reached, or do not want this client: with --tries where the next attempt might end better.
for program in "publish URL x" "subscribe URL x video" "clock publish URL" "clock subscribe URL"; do
    read -r -a words <<<"$program"
    at() { echo "${words[@]/URL/$1}"; }
    # The words have no spaces.
    # shellcheck disable=SC2046
    {
        wrong 1 "$down/?: .*refused" $(at "ws://$down") --tries 1
        wrong 1 "no-such-host.invalid" $(at ws://no-such-host.invalid:1) --tries 1
        wrong 1 "certificate" $(at "$wss") --ca "$here/tls/other.pem"
        wrong 1 "certificate" $(at "$tls") --ca "$here/tls/other.pem"
    }
done
# The wrong scheme for the port.
wrong 1 "${tcp#*://}/?: " publish "$(to ws "$tcp")" x --tries 1
wrong 1 "${ws#*://}/?: " publish "$(to tcp "$ws")" x --tries 1
wrong 1 "${ws#*://}/?: " publish "$(to wss "$ws")" x --tries 1
wrong 1 "${ws#*://}/?: " publish "$(to tls "$ws")" x --tries 1
wrong 1 "${wss#*://}/?: " publish "$(to tcp "$wss")" x --tries 1
wrong 1 "${wss#*://}/?: " publish "$(to ws "$wss")" x --tries 1
wrong 1 "${tls#*://}/?: " publish "$(to tcp "$tls")" x --tries 1
# What nobody has, and what nobody wants.
wrong 1 "track 'video' of 'no/such': not found" subscribe "$ws" no/such video
wrong 1 "nobody has subscribed to 'x'" publish "$ws" x
wrong 1 "not authorized" subscribe "$shut/closed" x video

wait "${runs[@]}"

for ((i = 1; i <= count; ++i)); do
    command=$(cat "$tmp/$i.command")
    code=$(cat "$tmp/$i.code") result=$(cat "$tmp/$i.result")
    [ "$result" = "$code" ] || fail "exit code $result, and not $code, of $command: $(cat "$tmp/$i.err")"
    [ "$(wc -l <"$tmp/$i.err")" = 1 ] || fail "not one line of $command: $(cat "$tmp/$i.err")"
    grep -Eq -e "$(cat "$tmp/$i.pattern")" "$tmp/$i.err" || fail "no '$(cat "$tmp/$i.pattern")' in what $command says: $(cat "$tmp/$i.err")"
    ! grep -q "aborted" "$tmp/$i.err" || fail "a cancellation is told as a failure by $command: $(cat "$tmp/$i.err")"
    [ ! -s "$tmp/$i.out" ] || fail "output of $command: $(head -c 200 "$tmp/$i.out")"
done

# ---- and what may look wrong, and works: a reader that waits gets what a short pipe says ----

timeout "$patience" "$bin/subscribe" "$ws" a data --announced >"$tmp/read" 2>"$tmp/read.err" &
reader=$!
until grep -q "waiting until 'a' is announced" "$tmp/read.err"; do
    kill -0 $reader 2>/dev/null || fail "the reader does not say what it waits for: $(cat "$tmp/read.err")"
    kill -0 $reader 2>/dev/null || break
    sleep 0.05
done
echo hello | timeout "$patience" "$bin/publish" "$ws" a 2>"$tmp/said" || fail "publish to a waiting reader: $? $(cat "$tmp/said")"
wait $reader || fail "the reader: $? $(cat "$tmp/read.err")"
[ "$(cat "$tmp/read")" = hello ] || fail "the reader has '$(cat "$tmp/read")'"
[ ! -s "$tmp/said" ] || fail "publish says: $(cat "$tmp/said")"

[ $failures = 0 ] || exit 1
echo "ok: $count wrong runs"
