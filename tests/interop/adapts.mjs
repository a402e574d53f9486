#!/usr/bin/env node
// A viewer of the stock package that chooses between two renditions by what the relay says of the link (PROBE), over a link that
// this program makes slow and free again.
//
//   node adapts.mjs --relay PROGRAM [--narrow BYTES] [--verbose]
//
// The choice is that of the stock player (@moq/watch 0.4.6): the best rendition within 80 % of the estimate, and the best of all
// while there is none. The renditions have 1,000 and 100 kbit/s: groups of 2 s, 24 frames a second. Checked: hd on a free link; sd
// within 12 s on a link of 50,000 bytes a second (--narrow), and no other for 10 s; hd within 20 s on a free link. It takes a
// minute of real time. Exit code: 0 all went well, 1 not, 2 usage.
import "./lib/polyfill.mjs";
import { connect as dial, createServer } from "node:net";
import { parseArgs } from "node:util";
import * as Moq from "@moq/net";
import { Child } from "./lib/child.mjs";
import { sleep, within } from "./lib/time.mjs";
import { usage } from "./lib/usage.mjs";

let options;
try {
	options = parseArgs({
		options: { relay: { type: "string" }, narrow: { type: "string", default: "50000" }, verbose: { type: "boolean" } },
	}).values;
} catch (err) {
	usage(err.message);
}
if (!options.relay) usage("which relay? --relay");
const out = (text) => process.stdout.write(`${text}\n`);

const renditions = { hd: { bitrate: 1_000_000, key: 25_000, frame: 4_787 }, sd: { bitrate: 100_000, key: 3_500, frame: 457 } };
const perGroup = 48;
const perSecond = 24;

const port = await new Promise((resolve, reject) => {
	const relay = new Child(options.relay, ["--threads", "1", "--log", "info", "--listen", "ws://127.0.0.1:0"], {
		stream: "stderr",
		onLine(line) {
			const found = /event=listening url=ws:\/\/[^:]*:(\d+)/.exec(line);
			if (found) resolve(Number(found[1]));
		},
		onExit: () => reject(new Error(`the relay ended: ${relay.errors}`)),
	});
});

// The link: what the relay sends is carried at `rate` bytes a second, in packets, with little room on the way.
let rate = 0;
const link = createServer((viewer) => {
	// It reads no more at a time than it carries: what else waits is in the system, where it has its limits.
	const packet = new Uint8Array(1460);
	let freeAt = performance.now();
	const callback = (count) => {
		const part = packet.slice(0, count);
		freeAt = Math.max(freeAt, performance.now() - 5) + (rate > 0 ? (1000 * count) / rate : 0);
		const wait = freeAt - performance.now();
		if (wait < 1) return viewer.write(part), true;
		setTimeout(() => {
			viewer.write(part);
			relay.resume();
		}, wait);
		return false;
	};
	const relay = dial({ port, host: "127.0.0.1", onread: { buffer: packet, callback } });
	for (const socket of [viewer, relay]) socket.setNoDelay(true).on("error", () => {});
	viewer.pipe(relay);
	viewer.on("close", () => relay.destroy());
	relay.on("close", () => viewer.destroy());
});
await new Promise((resolve) => link.listen(0, "127.0.0.1", resolve));

const publishing = await Moq.Connection.connect(new URL(`http://127.0.0.1:${port}/`), { webtransport: { enabled: false } });
const broadcast = new Moq.Broadcast.Producer();
const scale = Moq.Time.Timescale(1000);
async function produce(name, { key, frame }) {
	const track = broadcast.createTrack(name, { timescale: scale, latencyMax: 5000 });
	const start = performance.now();
	for (let sequence = 0; ; sequence++) {
		const group = new Moq.Group.Producer(sequence);
		track.writeGroup(group);
		for (let i = 0; i < perGroup; i++) {
			const time = ((sequence * perGroup + i) * 1000) / perSecond;
			const wait = start + time - performance.now();
			if (wait > 0) await sleep(wait);
			const timestamp = new Moq.Time.Timestamp(Math.round(time), scale);
			group.writeFrame({ payload: new Uint8Array(i === 0 ? key : frame), timestamp });
		}
		group.close();
	}
}
for (const [name, rendition] of Object.entries(renditions)) void produce(name, rendition);
publishing.publish(Moq.Path.from("adapts"), broadcast);

const watching = await Moq.Connection.connect(new URL(`http://127.0.0.1:${link.address().port}/`), { webtransport: { enabled: false } });
const active = watching.announcedBroadcast(Moq.Path.from("adapts")).active;
await within(10_000, (async () => { while (!active.peek()) await sleep(50); })());
const consumer = watching.consume(Moq.Path.from("adapts"));

function choice() {
	const estimate = watching.probe.peek().estimatedRecvRate;
	if (estimate === undefined) return "hd";
	return renditions.hd.bitrate <= 0.8 * estimate ? "hd" : "sd";
}
let chosen;
let changes = 0;
let subscriber;
async function read(from) {
	try {
		for (let group = await from.recvGroup(); group; group = await from.recvGroup()) {
			void (async () => { while (await group.readFrame()); })().catch(() => {});
		}
	} catch {
		// It was closed for another one.
	}
}
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
let said;
const looking = setInterval(() => {
	const { estimatedRecvRate, rtt } = watching.probe.peek();
	if (said !== estimatedRecvRate && options.verbose) out(`${seconds()} s: ${estimatedRecvRate ?? "unknown"} bit/s, ${rtt ?? "?"} ms`);
	said = estimatedRecvRate;
	const now = choice();
	if (now === chosen) return;
	if (chosen !== undefined) changes++;
	out(`${seconds()} s: ${now} (${estimatedRecvRate === undefined ? "no estimate" : `${Math.round(estimatedRecvRate / 1000)} kbit/s`})`);
	chosen = now;
	subscriber?.close();
	subscriber = consumer.subscribe(now, { priority: 60, latencyMax: 500 });
	void read(subscriber);
}, 100);

let good = true;
function check(what, holds) {
	out(`${holds ? "ok  " : "FAIL"} ${what}`);
	good &&= holds;
}
async function until(name, ms) {
	const start = performance.now();
	while (chosen !== name && performance.now() < start + ms) await sleep(50);
	return chosen === name ? (performance.now() - start) / 1000 : undefined;
}

await sleep(10_000);
check("hd on a free link", chosen === "hd");
out(`${seconds()} s: the link carries ${options.narrow} bytes a second`);
rate = Number(options.narrow);
const down = await until("sd", 12_000);
check(`sd within 12 s: ${down?.toFixed(1) ?? "never"}`, down !== undefined);
const before = changes;
await sleep(10_000);
check("sd for 10 s", chosen === "sd" && changes === before);
out(`${seconds()} s: the link is free`);
rate = 0;
const up = await until("hd", 20_000);
check(`hd within 20 s: ${up?.toFixed(1) ?? "never"}`, up !== undefined);
clearInterval(looking);
process.exit(good ? 0 : 1);
