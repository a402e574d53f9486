# The other programs at a relay: what they skip, keep, write and transform. network.sh reads this file.

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

# What --help says, and nothing else.
case_help() {
    local program
    for program in relay publish subscribe clock; do
        exits 0 "usage: $program" "$bin/$program" --help
    done
}

# What comes from a pipe is told by its first bytes, also if they come one by one, and after the first reader.
case_pipes() {
    relay relay --listen ws://127.0.0.1:0
    local movie="$here/../../examples/media/clip.mp4" publisher viewer
    mkfifo "$tmp/movie" "$tmp/words"
    exec 3<>"$tmp/movie"
    start publish "$bin/publish" "$url" a/movie.hang --wait <"$tmp/movie" 3>&-
    publisher=$pid
    until_true "it is not announced" grep -q "event=announced .*path=a/movie.hang" "$tmp/relay.log"
    start viewer "$bin/subscribe" "$url" a/movie.hang --start 0 --output "$tmp/out.mp4" 3>&-
    viewer=$pid
    head -c 4 "$movie" >&3
    sleep 0.2
    head -c 6 "$movie" | tail -c 2 >&3
    sleep 0.2
    tail -c +7 "$movie" >&3
    exec 3>&-
    wait "$publisher" || fail "publish: $?"
    wait "$viewer" || fail "subscribe: $?"
    grep -aq moof "$tmp/out.mp4" || fail "this is not a movie"
    # Four bytes that a movie begins with, and then something else.
    exec 3<>"$tmp/words"
    start words "$bin/publish" "$url" a/words --wait <"$tmp/words" 3>&-
    publisher=$pid
    until_true "it is not announced" grep -q "event=announced .*path=a/words" "$tmp/relay.log"
    start reader "$bin/subscribe" "$url" a/words data --start 0 3>&-
    viewer=$pid
    printf '\0\0\0\1' >&3
    sleep 0.2
    echo hello >&3
    exec 3>&-
    wait "$publisher" || fail "publish: $?"
    wait "$viewer" || fail "subscribe: $?"
    grep -aq hello "$tmp/reader.log" || fail "these are other words"
}

# A file is there before anything comes into it: what it has is kept until then.
case_output() {
    relay relay --listen ws://127.0.0.1:0
    echo precious >"$tmp/old"
    exits 1 "not found" "$bin/subscribe" "$url" no/such data --output "$tmp/old"
    exits 1 "not found" "$bin/subscribe" "$url" no/such data --output "$tmp/new"
    [ "$(cat "$tmp/old")" = precious ] || fail "the old file is gone, and nothing has come"
    [ ! -e "$tmp/new" ] || fail "an empty file is left behind"
    exits 1 "cannot be created" "$bin/subscribe" "$url" no/such data --output "$tmp/no/such"
    exits 1 "cannot be created" "$bin/subscribe" "$url" no/such data --output "$tmp"
    start publish "$bin/publish" "$url" a/words --wait < <(echo new)
    timeout "$patience" "$bin/subscribe" "$url" a/words data --start 0 --announced --output "$tmp/old" || fail "subscribe: $?"
    [ "$(cat "$tmp/old")" = new ] || fail "what is in the file: $(cat "$tmp/old")"
    start publish "$bin/publish" "$url" b/words --wait < <(echo new)
    exits 1 "cannot be written" "$bin/subscribe" "$url" b/words data --start 0 --announced --output /dev/full
}
