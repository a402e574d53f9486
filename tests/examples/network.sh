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
    local to=$1 from=$2 name=${pipe_name:-a/pipe}
    shift 2
    head -c 3000000 /dev/urandom >"$tmp/in"
    start publish "$bin/publish" "$to" "$name" --wait "$@" <"$tmp/in"
    timeout "$patience" "$bin/subscribe" "$from" "$name" data --start 0 --announced "$@" >"$tmp/out" 2>"$tmp/subscribe.log" ||
        fail "subscribe: $?"
    cmp "$tmp/in" "$tmp/out" || fail "what came out is not what went in"
    wait "$pid" || fail "publish: $?"
}

for file in "$(dirname "$0")"/network/*.sh; do . "$file"; done

if [ $# != 2 ] || ! declare -F "case_$2" >/dev/null; then
    echo "usage: network.sh DIRECTORY_OF_PROGRAMS CASE" >&2
    exit 2
fi
"case_$2"
echo "ok"
