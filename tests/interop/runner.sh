#!/usr/bin/env bash
# The interop runner's client against a relay of ours, in the runner's words: runner.sh RELAY CLIENT SCHEME...
#
# SCHEME is ws, moqt or https. All cases on each draft, and the exit codes; for moqt and https the relay is started by
# runner_role.sh. Exit code: 0 all went well, 1 not.
set -uo pipefail

[ $# -ge 3 ] || { echo "usage: runner.sh RELAY CLIENT SCHEME..." >&2; exit 2; }
interop=$(cd "$(dirname "$0")" && pwd)
. "$interop/../examples/programs.sh"
relay=$1 client=$2
shift 2
# How long anything may take; the machine may be busy.
patience=${PATIENCE:-300}
failures=0
fail() {
    echo "FAILED  $*"
    failures=$((failures + 1))
}

listens() {  # NAME COMMAND...: in the background; its address is then $at, its log $tmp/NAME.log
    local name=$1 log=$tmp/$1.log end=$((SECONDS + patience))
    shift
    "$@" >"$log" 2>&1 &
    pids+=($!)
    until at=$(sed -n 's,.*event=listening url=[a-z]*://\([^ /]*\).*,\1,p' "$log" | sed -n 1p) && [ -n "$at" ]; do
        [ $SECONDS -lt $end ] && kill -0 $! || { fail "the relay '$name' does not listen"; cat "$log"; exit 1; }
        sleep 0.05
    done
    at=127.0.0.1:${at##*:}
}

# ---- every case, on every draft

cases=$("$client" --list | wc -l)
[ "$cases" = 15 ] || fail "there are $cases cases"

all_of() {  # SCHEME DRAFT: into $tmp/SCHEME.DRAFT
    local out=$tmp/$1.$2 code=0
    RELAY_URL=$1://$address MOQT_DRAFT=draft-$2 TLS_DISABLE_VERIFY=1 VERBOSE=1 \
        timeout "$patience" "$client" --slow 100 >"$out" 2>&1 || code=$?
    echo "# code $code" >>"$out"
}
began=()
for scheme in "$@"; do
    case $scheme in
        ws) listens ws "$relay" --listen ws://127.0.0.1:0 ;;
        *)
            MOQT_ROLE=relay MOQT_PORT=0 MOQT_CERT=$here/tls/cert.pem MOQT_KEY=$here/tls/key.pem \
                listens $scheme "$interop/runner_role.sh" "$relay" "$client"
            ;;
    esac
    address=$at
    for draft in 18 20 21 22; do
        all_of $scheme $draft &
        began+=($!)
    done
done
wait "${began[@]}"
for scheme in "$@"; do
    for draft in 18 20 21 22; do
        out=$tmp/$scheme.$draft
        if grep -qx '# code 0' "$out" && [ "$(grep -c '^ok ' "$out")" = "$cases" ] && grep -qx "1..$cases" "$out" &&
            grep -qx "# Draft: draft-$draft" "$out" && [ "$(sed -n 1p "$out")" = "TAP version 14" ]; then
            echo "ok      $cases cases of the interop runner, $scheme, draft $draft"
        else
            fail "the cases of the interop runner, $scheme, draft $draft"
            cat "$out"
        fi
    done
done

# ---- exit codes

exits() {  # CODE PATTERN COMMAND...
    local code=$1 pattern=$2 result=0
    shift 2
    timeout "$patience" "$@" >"$tmp/exits.log" 2>&1 </dev/null || result=$?
    if [ $result != "$code" ] || ! grep -Eq -e "$pattern" "$tmp/exits.log"; then
        fail "exit code $result, and not $code with '$pattern', of: $*"
        cat "$tmp/exits.log"
    fi
}
listens shut "$relay" --listen ws://127.0.0.1:0 --public-publish '' --protocol moqt-18
exits 0 '^ok 1 - subscribe-error$' "$client" --slow 100 --relay ws://$at --test subscribe-error
exits 1 '^not ok 1 - announce-only$' "$client" --relay ws://$at --test announce-only
exits 1 'expected: "REQUEST_OK' env RELAY_URL=ws://$at TESTCASE=announce-only "$client" --slow 100
exits 1 '^Bail out! ' "$client" --relay ws://$at --draft 22
exits 1 '^Bail out! ' "$client" --relay ws://127.0.0.1:1
exits 2 'moqt, https, ws or wss' "$client" --relay tcp://$at
exits 2 'comoq_interop_runner: .' "$client" --relay nonsense
exits 2 'a number from 1 to 1000' "$client" --relay ws://$at --slow 0
exits 2 'unknown option' "$client" --relay ws://$at --frobnicate
exits 127 "the case 'none' is unknown here" "$client" --relay ws://$at --test none
exits 127 "the draft '16' is unknown here" "$client" --relay ws://$at --draft 16
exits 127 "the role 'publisher' is unknown here" env MOQT_ROLE=publisher "$client" --relay ws://$at
exits 127 "the role 'publisher' is unknown here" env MOQT_ROLE=publisher "$interop/runner_role.sh" "$relay" "$client"
exits 1 '^not ok 1 - announce-only$' env RELAY_URL=ws://$at TESTCASE=announce-only "$interop/runner_role.sh" "$relay" "$client"
if [[ " $* " == *" moqt "* || " $* " == *" https "* ]]; then
    exits 1 'nowhere.pem' env MOQT_ROLE=relay MOQT_PORT=0 MOQT_CERT=nowhere.pem MOQT_KEY=nowhere.pem \
        "$interop/runner_role.sh" "$relay" "$client"
    kill -TERM "${pids[0]}"
    code=0
    wait "${pids[0]}" || code=$?
    [ $code = 0 ] || fail "the relay that is told to end ends with $code"
fi

[ $failures = 0 ] || { echo "$failures failed"; exit 1; }
echo "ok      exit codes of the interop runner's client and relay"
