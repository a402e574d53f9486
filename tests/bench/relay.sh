#!/usr/bin/env bash
# The example relay beside moq-relay, the Rust one: the same load through both, one after the other, again and again.
#
#   cmake -B build-relay -DCMAKE_BUILD_TYPE=Release -DCOMOQ_BUILD_TESTS=OFF -DCOMOQ_BUILD_BENCH=ON
#   cmake --build build-relay --target relay relay_load
#   tests/bench/relay.sh --ours build-relay/examples/relay --load build-relay/tests/bench/relay_load \
#       --theirs ~/.cargo/bin/moq-relay --out relay.json
#
# moq-relay 0.17.10: cargo install moq-relay --no-default-features --features websocket,noq,uds. It is not measured over wss.
# Without --theirs the example relay is measured alone.
#
#   --ours FILE, --load FILE, --theirs FILE   programs
#   --out FILE           all runs, as JSON
#   --rounds N           of all scenarios; 3 if not given
#   --seconds N          that a run is measured; 5 if not given
#   --transports, --viewers, --workloads "..."   some of "tcp ws wss quic webtransport", "1 10 100", "video audio max"; "tcp ws"
#                        and all of the others if not given
#   --protocols "..."    what the clients speak, each in turn: "moq-lite-06 moqt-18", say; moq-lite if not given. Not over tcp,
#                        and not with --theirs
#   --patience N         wait at most N seconds, before each run, until the processors are idle; 0 if not given
#   --port N             moq-relay gets this one and the next; 24543 if not given
#
# A relay is started for each run, with one thread, on the first processor; relay_load has the second. Everything is on the
# loopback interface. tcp and ws are without TLS; compare quic and webtransport, which always have it, with wss. Publisher and
# viewers are the same C++ clients in both cases, and the viewers ask for a maximum latency of 10 s, so that neither relay may
# drop anything. Notes for reading the table:
#
#   * The figure to compare is the relay's CPU time: MB a CPU second is a relay's capacity on a core that it has for itself. The
#     load program reads the relay's output for all viewers on one core, and may be the first to be busy ("load %").
#   * moq-relay leaves Nagle's algorithm on, the example relay does not: a part of its latency may come from that.
#   * video: 2 groups/s of 30 frames of 5 kB. audio: 50 groups/s of a frame of 200 B. max: groups of 32 frames of 16 kB, as
#     fast as the slowest viewer gets them with 4 groups on their way, and kept for 2 s instead of 10 s.
#   * Each figure is the median of the rounds, with the least and the greatest in parentheses. "others %" is the share of other
#     processes in the processors meanwhile: of rounds with a large share, believe the CPU time alone.
#   * The relay's CPU time comes in hundredths of a second: with one viewer, and little to do, it is coarse.
set -euo pipefail

ours='' theirs='' load='' out='' rounds=3 seconds=5 transports='tcp ws' viewers='1 10 100' workloads='video audio max'
protocols=usual patience=0 port=24543
while [ $# -gt 0 ]; do
    case $1 in
    --ours | --theirs | --load | --out | --rounds | --seconds | --transports | --viewers | --workloads | --protocols | --patience | --port)
        [ $# -ge 2 ] || { echo "relay.sh: $1 needs a value" >&2; exit 2; }
        declare "${1#--}=$2"
        shift 2
        ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
        [ "$1" = --help ] && exit 0 || exit 2
        ;;
    esac
done
[ -x "$ours" ] && [ -x "$load" ] || { echo "relay.sh: --ours and --load name programs (--help tells)" >&2; exit 2; }
relays=ours
if [ -n "$theirs" ] && [ -x "$theirs" ]; then
    relays='ours theirs'
else
    echo "relay.sh: no moq-relay: the example relay alone" >&2
fi

tmp=$(mktemp -d)
pid=''
stop() {
    [ -n "$pid" ] || return 0
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    pid=''
}
trap 'stop; rm -rf "$tmp"' EXIT

on() { shift; exec "$@"; }
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    on() { local core=$1; shift; exec taskset -c "$core" "$@"; }
else
    echo "relay.sh: nothing is pinned to a processor" >&2
fi

start() {  # RELAY TRANSPORT: $pid and $url
    local tries=100
    # The last relay's log is not an answer.
    : >"$tmp/relay.log"
    local scheme=$2 identity=''
    case $2 in
    quic) scheme=moql identity='--tls-generate 127.0.0.1' ;;
    webtransport) scheme=https identity='--tls-generate 127.0.0.1' ;;
    wss) identity='--tls-generate 127.0.0.1' ;;
    esac
    case $1 in
    ours)
        # shellcheck disable=SC2086
        (on 0 "$ours" --threads 1 --log info --listen "$scheme://127.0.0.1:0" $identity) >"$tmp/relay.log" 2>&1 &
        pid=$!
        until url=$(sed -n 's/.*event=listening url=//p' "$tmp/relay.log") && [ -n "$url" ]; do
            [ $((tries -= 1)) -gt 0 ] || { cat "$tmp/relay.log" >&2; exit 1; }
            sleep 0.05
        done
        ;;
    theirs)
        local quic=''
        case $2 in quic | webtransport) quic="--listen 127.0.0.1:$port --listen-tls-generate 127.0.0.1" ;; esac
        # shellcheck disable=SC2086
        (export TOKIO_WORKER_THREADS=1
            on 0 "$theirs" --auth-public '**' --web-http-listen "127.0.0.1:$port" \
                --listen-tcp-bind "127.0.0.1:$((port + 1))" --listen-version moq-lite-05 $quic \
                --log-level error) >"$tmp/relay.log" 2>&1 &
        pid=$!
        local at=$port
        [ "$2" != tcp ] || at=$((port + 1))
        url=$scheme://127.0.0.1:$at
        until (: >"/dev/tcp/127.0.0.1/$at") 2>/dev/null; do
            [ $((tries -= 1)) -gt 0 ] || { cat "$tmp/relay.log" >&2; exit 1; }
            sleep 0.05
        done
        # Nobody can ask a port of UDP.
        [ -z "$quic" ] || sleep 0.5
        ;;
    esac
}

busy_and_all() { awk '/^cpu /{all = $2+$3+$4+$5+$6+$7+$8+$9; print all-$5-$6, all}' /proc/stat; }
until_idle() {
    local end=$((SECONDS + patience)) before after
    while [ $SECONDS -lt $end ]; do
        before=$(busy_and_all)
        sleep 1
        after=$(busy_and_all)
        awk -v before="$before" -v after="$after" 'BEGIN { split(before, b); split(after, a)
            exit !((a[1] - b[1]) < 0.1 * (a[2] - b[2])) }' && return
    done
    return 0
}

workload() {
    case $1 in
    video) echo "--rate 2 --frames 30 --size 5000" ;;
    audio) echo "--rate 50 --frames 1 --size 200" ;;
    max) echo "--rate 0 --frames 32 --size 16384 --window 4 --keep 2" ;;
    *) echo "relay.sh: no workload $1" >&2; exit 2 ;;
    esac
}

: >"$tmp/runs"
for round in $(seq "$rounds"); do
    # Not the same one first every time.
    if [ $((round % 2)) = 0 ] && [ "$relays" = 'ours theirs' ]; then order='theirs ours'; else order=$relays; fi
    for transport in $transports; do
        for number in $viewers; do
            for work in $workloads; do
                for protocol in $protocols; do
                    options=$(workload "$work")
                    [ "$protocol" = usual ] || options+=" --protocol $protocol"
                    for relay in $order; do
                        [ "$relay $transport" != 'theirs wss' ] || continue
                        until_idle
                        start "$relay" "$transport"
                        # shellcheck disable=SC2086
                        result=$( (on 1 timeout $((seconds + 60)) "$load" --publish "$url" --subscribe "$url" --pid "$pid" \
                            --viewers "$number" $options --seconds "$seconds" --warmup 2 --json) 2>"$tmp/load.log") || true
                        stop
                        what="\"relay\": \"$relay\", \"protocol\": \"$protocol\", \"transport\": \"$transport\", \"workload\": \"$work\""
                        if [ -n "$result" ]; then
                            echo "{$what, ${result#\{}" >>"$tmp/runs"
                        else
                            echo "{$what, \"viewers\": $number, \"failure\": \"$(tr -d '"\\\n' <"$tmp/load.log")\"}" >>"$tmp/runs"
                        fi
                        echo "round $round: $(tail -n 1 "$tmp/runs")" >&2
                    done
                done
            done
        done
    done
done

if [ -n "$out" ]; then
    {
        echo '{'
        echo "\"machine\": \"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p), $(nproc) processors\","
        echo "\"date\": \"$(date +%F)\","
        echo '"runs": ['
        sed '$!s/$/,/' "$tmp/runs"
        echo ']}'
    } >"$out"
fi

awk '
function of(key,   text) {
    if (!match($0, "\"" key "\": [^,}]*")) return ""
    text = substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4)
    gsub(/"/, "", text)
    return text
}
# The median of the runs of one row, and their range.
function middle(row, key, form,   n, i, j, v, list, text) {
    n = split(seen[row, key], list, " ")
    if (n == 0) return "-"
    for (i = 1; i <= n; ++i)
        for (j = i; j > 1 && list[j - 1] + 0 > list[j] + 0; --j) { v = list[j]; list[j] = list[j - 1]; list[j - 1] = v }
    v = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    text = sprintf(form, v)
    return n > 1 ? text " (" sprintf(form, list[1]) "–" sprintf(form, list[n]) ")" : text
}
BEGIN {
    split("mb_per_s p50_ms p99_ms relay_cpu_percent mb_per_cpu_s cpu_s_per_million_frames relay_peak_mib " \
        "load_cpu_percent others_cpu_percent", keys, " ")
}
{
    row = of("transport") " | " of("viewers") " | " of("workload") " | " of("relay")
    if (of("protocol") != "usual") row = row " " of("protocol")
    if (!(row in runs)) rows[++count] = row
    ++runs[row]
    if (of("failure") != "") { ++failed[row]; next }
    for (i in keys) seen[row, keys[i]] = seen[row, keys[i]] " " of(keys[i])
    lost[row] += of("lost")
    if (of("rate_reached") != "true") ++slow[row]
}
END {
    print "| transport | viewers | workload | relay | MB/s | p50 ms | p99 ms | relay CPU % | MB/CPU s | CPU s/M frames " \
        "| peak MiB | load % | others % | lost |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; ++i) {
        row = rows[i]
        note = lost[row] + 0
        if (slow[row]) note = note ", rate missed in " slow[row] " of " runs[row]
        if (failed[row]) note = note ", failed " failed[row] " of " runs[row]
        print "| " row " | " middle(row, "mb_per_s", "%.2f") " | " middle(row, "p50_ms", "%.2f") \
            " | " middle(row, "p99_ms", "%.1f") " | " middle(row, "relay_cpu_percent", "%.1f") \
            " | " middle(row, "mb_per_cpu_s", "%.1f") " | " middle(row, "cpu_s_per_million_frames", "%.1f") \
            " | " middle(row, "relay_peak_mib", "%.0f") " | " middle(row, "load_cpu_percent", "%.0f") \
            " | " middle(row, "others_cpu_percent", "%.0f") " | " note " |"
    }
}' "$tmp/runs"
