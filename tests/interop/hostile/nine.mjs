#!/usr/bin/env node
// Nine viewers that behave, and their publisher, in a process of their own: the delay of each group to each of them.
//
//   node nine.mjs WS_URL TCP_URL PATH
//
// When each of them has had a group, a line of JSON gives the arrival of each new group four times a second, in milliseconds since
// 1970, and its delay.
import { upTo } from "../lib/range.mjs";
import { announcing, shown } from "./announcing.mjs";
import { byte, message, pack, Reader } from "./bytes.mjs";
import { announce, subscribe } from "./lite.mjs";
import { Peer } from "./peer.mjs";
import { stream } from "./qmux.mjs";

const EVERY = 25;
// The delay of a group that has not come by then.
const LOST = 3000;
const [, , ws, tcp, path] = process.argv;
const room = { ws, tcp };
const now = () => performance.timeOrigin + performance.now();
const ways = [];
const sent = []; // when, by the number of the group

class Viewer extends Peer {
	come(chunk) {
		this.came = now();
		super.come(chunk);
	}
	look() {
		for (const [id, s] of this.streams) {
			if ((id & 3) !== 3 || !s.fin) continue;
			const reader = new Reader(this.bytes(id));
			this.streams.delete(id);
			if (reader.number() !== 0) continue;
			reader.number();
			reader.number();
			const number = reader.number();
			// The first group that comes to it begins its count.
			if (!this.missing) this.missing = new Set();
			else if (this.missing.delete(number)) ways.push([this.came, this.came - sent[number]]);
		}
		super.look();
	}
}

// The relay asks for the track's info, and then for the track.
async function publish() {
	const peer = await announcing(room, "tcp");
	await peer.write(1, announce(true, peer.prefix === "" ? path : path.slice(peer.prefix.length + 1)));
	return peer;
}
async function answer(peer) {
	const answered = new Set();
	let id;
	await peer.until(() => {
		for (const [n, s] of peer.streams) {
			if ((n & 3) !== 1 || n === 1 || s.size < 4 || answered.has(n)) continue;
			const question = new Reader(peer.bytes(n));
			const type = question.number();
			answered.add(n);
			if (type === 6) peer.send(stream(n, message(byte(0), byte(0), 5000, 1000), { fin: true }));
			if (type === 2) {
				question.number();
				id = question.number();
			}
		}
		return id !== undefined;
	}, "SUBSCRIBE");
	return id;
}

const publisher = await publish();
const viewers = [];
for (const i of upTo(9)) {
	const viewer = await Viewer.to(room, i % 2 === 0 ? "ws" : "tcp");
	await viewer.until(() => viewer.theirs, "parameters");
	viewers.push(viewer);
}
await shown(room, path);
for (const viewer of viewers) viewer.send(stream(0, subscribe(1, path, "t")));
const id = await answer(publisher);

const body = Buffer.alloc(1000);
let next = 6;
let due = now();
setInterval(() => {
	if (now() < due || (next - 2) / 4 >= publisher.allowed.uni) return;
	due = Math.max(due + EVERY, now() - EVERY);
	const number = sent.length;
	sent.push(now());
	for (const viewer of viewers) viewer.missing?.add(number);
	publisher.send(stream(next, pack(0, message(id, number), 0, body.length, body), { fin: true }));
	next += 4;
}, 5);
setInterval(() => {
	const at = now();
	if (!viewers.every(({ missing }) => missing)) return;
	for (const viewer of viewers)
		for (const number of viewer.missing) {
			if (at - sent[number] < LOST) break;
			viewer.missing.delete(number);
			ways.push([at, LOST]);
		}
	process.stdout.write(`${JSON.stringify(ways.splice(0).map(([t, way]) => [Math.round(t), Math.round(way * 10) / 10]))}\n`);
}, 250);
