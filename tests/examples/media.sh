#!/usr/bin/env bash
# Movies of many kinds, made by ffmpeg, through publish, a relay and subscribe: media.sh DIRECTORY_OF_PROGRAMS [KIND...]
#
# What comes out has the same tracks and packets as what went in, by ffprobe: their codecs, sizes and rates, and of each packet when it
# is shown and decoded, how long it lasts, whether it is a key frame, and what it has. Times may differ by a constant, and by 2 µs; when to
# decode, and how long something lasts, is not in the containers legacy and loc. Kinds that cannot be taken are refused in one line.
# Exit code 77: there is no ffmpeg.
set -euo pipefail

. "$(dirname "$0")/programs.sh"

for tool in ffmpeg ffprobe python3; do command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }; done
only=("${@:2}")

touch "$tmp/relay.log"
"$bin/relay" --listen ws://127.0.0.1:0 2>"$tmp/relay.log" &
pids+=("$!")
until grep -q event=listening "$tmp/relay.log"; do sleep 0.1; done
url=$(sed -n 's/.*event=listening url=//p' "$tmp/relay.log" | sed -n 1p)

encode() {  # FILE OPTION...: two seconds
    local file=$1
    shift
    ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=160x90:rate=24 -f lavfi -i sine=frequency=440:sample_rate=44100 -t 2 "$@" "$file"
}

# The tracks and the packets of a file.
packets() {
    ffprobe -v error -show_data_hash md5 -show_entries \
        stream=codec_type,codec_name,profile,width,height,sample_rate,channels:packet=codec_type,pts_time,dts_time,duration_time,flags,data_hash \
        -of json "$1"
}
same() {  # FILE FILE CONTAINER
    packets "$1" >"$tmp/in.json"
    packets "$2" >"$tmp/out.json"
    python3 - "$tmp/in.json" "$tmp/out.json" "$3" <<'P'
import json, sys
has_all_times = sys.argv[3] == "cmaf"
def tracks(file):
    content = json.load(open(file))
    all = {}
    for packet in content["packets"]:
        times = [float(packet[time]) if time in packet else None for time in ("pts_time", "dts_time", "duration_time")]
        all.setdefault(packet["codec_type"], []).append((*times, packet["flags"][0], packet["data_hash"]))
    return {stream["codec_type"]: stream for stream in content["streams"]}, all
streams, a = tracks(sys.argv[1])
others, b = tracks(sys.argv[2])
assert streams == others, f"tracks: {streams} became {others}"
moved = None
for kind in a:
    assert len(a[kind]) == len(b[kind]), f"{kind}: {len(a[kind])} packets went in, {len(b[kind])} came out"
    for i, (one, other) in enumerate(zip(a[kind], b[kind])):
        moved = other[0] - one[0] if moved is None else moved
        assert abs(other[0] - one[0] - moved) < 3e-6, f"{kind} {i}: {one[0]} became {other[0]}, and others move by {moved}"
        assert one[3:] == other[3:], f"{kind} {i}: {one} became {other}"
        if has_all_times:
            assert abs(other[1] - one[1] - moved) < 3e-6, f"{kind} {i}: decoded at {one[1]} became {other[1]}, and others move by {moved}"
            assert one[2] is None or abs((other[2] or 0) - one[2]) < 3e-6, f"{kind} {i}: {one[2]} s became {other[2]}"
print(", ".join(f"{len(a[kind])} packets of {kind}" for kind in a))
P
}

failed=0
wanted() { [ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }

taken() {  # KIND FILE [OPTION OF publish...]
    wanted "$1" || return 0
    local kind=$1 file=$2 publisher container=cmaf
    shift 2
    [ "${1-}" = --container ] && container=$2
    "$bin/publish" "$url" "$kind.hang" "$file" --wait "$@" 2>"$tmp/publish.log" &
    publisher=$!
    pids+=("$publisher")
    if timeout 60 "$bin/subscribe" "$url" "$kind.hang" --announced --start 0 --strict >"$tmp/out.mp4" 2>"$tmp/subscribe.log" &&
        wait "$publisher" && same "$file" "$tmp/out.mp4" $container >"$tmp/same.log" 2>&1 && ffmpeg -nostdin -v error -i "$tmp/out.mp4" -f null - 2>&1; then
        echo "ok   $kind: $(cat "$tmp/same.log")"
    else
        echo "FAIL $kind: $(tail -qn 1 "$tmp/publish.log" "$tmp/subscribe.log" "$tmp/same.log")"
        failed=1
    fi
}
refused() {  # KIND FILE WORDS
    wanted "$1" || return 0
    local result=0
    timeout 20 "$bin/publish" "$url" "$1.hang" "$2" >"$tmp/refused.log" 2>&1 || result=$?
    if [ $result = 1 ] && [ "$(wc -l <"$tmp/refused.log")" = 1 ] && grep -q "$3" "$tmp/refused.log"; then
        echo "ok   $1: $(sed "s|$tmp/||" "$tmp/refused.log")"
    else
        echo "FAIL $1: exit code $result, $(cat "$tmp/refused.log")"
        failed=1
    fi
}

whole=+frag_keyframe+empty_moov+default_base_moof
avc=(-c:v libx264 -preset ultrafast -threads 1 -pix_fmt yuv420p -g 24 -keyint_min 24 -sc_threshold 0 -c:a aac)
encode "$tmp/plain.mp4" "${avc[@]}" -movflags $whole
encode "$tmp/b.mp4" "${avc[@]}" -bf 3 -preset medium -movflags $whole
encode "$tmp/negative.mp4" "${avc[@]}" -bf 2 -preset medium -movflags $whole+negative_cts_offsets
encode "$tmp/edits.mp4" "${avc[@]}" -bf 2 -preset medium -use_editlist 1 -movflags +frag_keyframe+delay_moov+default_base_moof
encode "$tmp/opengop.mp4" "${avc[@]}" -bf 3 -preset medium -x264opts open-gop=1 -movflags $whole
encode "$tmp/chunks.mp4" "${avc[@]}" -movflags cmaf+empty_moov -frag_duration 100000
encode "$tmp/everyframe.mp4" "${avc[@]}" -movflags +frag_every_frame+empty_moov+default_base_moof
encode "$tmp/sidx.mp4" "${avc[@]}" -movflags +dash+frag_keyframe+empty_moov+global_sidx+delay_moov
encode "$tmp/separate.mp4" "${avc[@]}" -movflags $whole+separate_moof
encode "$tmp/absolute.mp4" "${avc[@]}" -movflags +frag_keyframe+empty_moov
encode "$tmp/omit.mp4" "${avc[@]}" -movflags +frag_keyframe+empty_moov+omit_tfhd_offset
encode "$tmp/prft.mp4" "${avc[@]}" -write_prft wallclock -movflags cmaf+empty_moov -frag_duration 200000
encode "$tmp/silent.mp4" "${avc[@]}" -an -movflags $whole
encode "$tmp/sound.mp4" -vn -c:a aac -movflags +empty_moov+default_base_moof -frag_duration 500000
encode "$tmp/stereo.mp4" "${avc[@]}" -ac 2 -ar 48000 -movflags $whole
encode "$tmp/opus.mp4" "${avc[@]}" -c:a libopus -ar 48000 -movflags $whole
encode "$tmp/vp9.mp4" -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 24 -c:a libopus -ar 48000 -movflags $whole
encode "$tmp/hevc.mp4" -c:v libx265 -preset ultrafast -x265-params log-level=none -tag:v hvc1 -g 24 -c:a aac -movflags $whole
encode "$tmp/mp3.mp4" "${avc[@]}" -c:a libmp3lame -movflags $whole
encode "$tmp/av1.mp4" -c:v libaom-av1 -cpu-used 8 -usage realtime -g 24 -an -movflags +frag_keyframe+delay_moov+default_base_moof
encode "$tmp/progressive.mp4" "${avc[@]}"
encode "$tmp/flac.mp4" "${avc[@]}" -c:a flac -strict experimental -movflags $whole
# Sizes of 64 bits, and one to the end of the file.
python3 - "$tmp" <<'P'
import struct, sys
directory = sys.argv[1]
data = open(directory + "/silent.mp4", "rb").read()
boxes, at = [], 0
while at < len(data):
    size, kind = struct.unpack(">I4s", data[at:at + 8])
    boxes.append((kind, data[at:at + size]))
    at += size
def far(moof):  # the data is 8 bytes farther away
    at = moof.index(b"trun") + 12
    return moof[:at] + struct.pack(">I", struct.unpack(">I", moof[at:at + 4])[0] + 8) + moof[at + 4:]
with open(directory + "/large.mp4", "wb") as out:
    for kind, box in boxes:
        if kind == b"mdat":
            out.write(struct.pack(">I4sQ", 1, kind, len(box) + 8) + box[8:])
        else:
            out.write(far(box) if kind == b"moof" else box)
last = max(i for i, (kind, _) in enumerate(boxes) if kind == b"mdat")
with open(directory + "/endless.mp4", "wb") as out:
    for kind, box in boxes[:last]: out.write(box)
    out.write(b"\0\0\0\0" + boxes[last][1][4:])
open(directory + "/cut.mp4", "wb").write(data[:len(data) * 2 // 3])
P

for kind in plain b negative edits opengop chunks everyframe sidx separate absolute omit prft silent sound stereo opus vp9 hevc mp3 av1 large endless; do
    taken $kind "$tmp/$kind.mp4"
done
for container in legacy loc; do taken "b_$container" "$tmp/b.mp4" --container $container; done
refused progressive "$tmp/progressive.mp4" "is not fragmented.*'mvex'\|is not fragmented.*'moov'"
refused flac "$tmp/flac.mp4" "box 'fLaC' is a codec that is not known here"
refused cut "$tmp/cut.mp4" "is truncated: box"
exit $failed
