// A broadcast of two renditions that the stock player can show: 1,000 and 100 kbit/s, 24 frames a second, groups of 2 s.
//
// The clips are ffmpeg's test picture, green in hd and blue in sd, in VP8. Zeros behind a frame, which a decoder does not look at,
// make the bit rate. They were made by
//   ffmpeg -f lavfi -i testsrc2=s=SIZE:r=24:d=2 -vf hue=s=0,colorchannelmixer=TINT -pix_fmt yuv420p -c:v libvpx -g 48 -keyint_min 48
//     -auto-alt-ref 0 -lag-in-frames 0 -deadline best -cpu-used 0 -qmin 20 -qmax 60 -b:v RATE -fflags +bitexact -flags:v +bitexact
// with 640x360, rr=0.25:gg=1:bb=0.25, 250k for hd, and 160x90, rr=0.25:gg=0.25:bb=1, 25k for sd.
import { readFileSync } from "node:fs";
import * as Moq from "@moq/net";
import { sleep } from "./time.mjs";

const perSecond = 24;

// `key` and `frame` are the bytes of a group's first frame and of any other one.
export const renditions = {
	hd: { bitrate: 1_000_000, width: 640, height: 360, key: 25_000, frame: 4_787 },
	sd: { bitrate: 100_000, width: 160, height: 90, key: 3_500, frame: 457 },
};

const catalog = {
	video: {
		renditions: Object.fromEntries(
			Object.entries(renditions).map(([name, { bitrate, width, height }]) => [
				name,
				{ codec: "vp8", container: { kind: "legacy" }, codedWidth: width, codedHeight: height, framerate: perSecond, bitrate },
			]),
		),
	},
};

// IVF: a header of 32 bytes; a frame's length and its time in 12, and the frame.
function framesOf(name, { key, frame: rest }) {
	const file = readFileSync(new URL(`../player/${name}.ivf`, import.meta.url));
	const frames = [];
	for (let at = 32; at < file.length; ) {
		const end = at + 12 + file.readUInt32LE(at);
		const size = frames.length === 0 ? key : rest;
		if (8 + end - (at + 12) > size) throw new Error(`${name}.ivf: frame ${frames.length} is too long`);
		// The time, a varint of 8 bytes, comes before the frame.
		const payload = new Uint8Array(size);
		payload.set(file.subarray(at + 12, end), 8);
		frames.push(payload);
		at = end;
	}
	return frames;
}

async function produce(track, frames, scale) {
	const start = performance.now();
	for (let sequence = 0; ; sequence++) {
		const group = new Moq.Group.Producer(sequence);
		track.writeGroup(group);
		for (const [i, frame] of frames.entries()) {
			const time = (sequence * frames.length + i) / perSecond;
			const wait = start + 1000 * time - performance.now();
			if (wait > 0) await sleep(wait);
			const microseconds = Math.round(1e6 * time);
			const payload = frame.slice();
			new DataView(payload.buffer).setBigUint64(0, (3n << 62n) | BigInt(microseconds));
			group.writeFrame({ payload, timestamp: new Moq.Time.Timestamp(microseconds, scale) });
		}
		group.close();
	}
}

// They begin at once, and never end.
export function publishRenditions(connection, path) {
	const broadcast = new Moq.Broadcast.Producer();
	const scale = Moq.Time.Timescale(1_000_000);
	// The group of a catalog stays open: the producer drops a closed one after a while.
	const group = new Moq.Group.Producer(0);
	broadcast.createTrack("catalog.json", { timescale: scale, latencyMax: 5000 }).writeGroup(group);
	group.writeFrame({ payload: new TextEncoder().encode(JSON.stringify(catalog)), timestamp: new Moq.Time.Timestamp(0, scale) });
	for (const [name, rendition] of Object.entries(renditions)) {
		void produce(broadcast.createTrack(name, { timescale: scale, latencyMax: 5000 }), framesOf(name, rendition), scale);
	}
	connection.publish(Moq.Path.from(path), broadcast);
}
