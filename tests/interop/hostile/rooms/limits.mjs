// A relay with small limits: each attack sends far more of one row of the cost table than may be held, and the relay's memory grows
// by no more than the row says for as many as its bound allows.
import { CLOSED, NOT_FOUND } from "../../lib/codes.mjs";
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { announcing, shown } from "../announcing.mjs";
import { byte, message, pack, zeros } from "../bytes.mjs";
import { channel, emptyGroups, frameOf, gone, group, groupOf } from "../channel.mjs";
import { same, works } from "../checks.mjs";
import { costs } from "../costs.mjs";
import { announce, fetchOf, subscribe, trackOf } from "../lite.mjs";
import { Peer } from "../peer.mjs";
import { stream } from "../qmux.mjs";
import { MIB, Room } from "../room.mjs";

const ANNOUNCED = 200; // by a session, and four times as many by all
const REQUESTED = 100;
const WAITING = 64;
const CONNECTIONS = 80;
const HANDSHAKES = 20;
const CACHE = 8;
const STREAMS = 1024;
const args = Object.entries({
	"--max-announced": ANNOUNCED,
	"--max-requested": REQUESTED,
	"--max-waiting": WAITING,
	"--max-per-address": CONNECTIONS,
	"--max-handshakes": HANDSHAKES,
	"--cache": CACHE,
}).flatMap(([name, value]) => [name, String(value)]);
export const limits = new Room("limits", { plain: 128, asan: 600 }, args, 1, { upstream: true });
// The process's other memory: pieces of the heap that cannot be used again, and a connection's buffers and sockets.
const SLACK = 10;
const CONNECTION = 0.2;

// The bound in MiB is made of rows of the table.
function row(title, bound, run) {
	limits.attack(title, async (r) => {
		const most = bound() + SLACK;
		const before = r.relay.rss();
		let highest = before;
		const timer = setInterval(() => {
			highest = Math.max(highest, r.relay.rss());
		}, 25);
		const said = await run(r).finally(() => clearInterval(timer));
		const grown = highest - before;
		if (grown > most && !r.settings.sanitized) throw new Error(`memory grew by ${grown.toFixed(0)} MiB, ${most.toFixed(0)} are allowed (${said})`);
		return `${said}, + ${grown.toFixed(1)} MiB of ${most.toFixed(1)}`;
	});
}
const viewer = async (r, kind = "tcp", how = {}) => {
	const peer = await Peer.to(r, kind, how);
	await peer.until(() => peer.theirs, "parameters");
	return peer;
};
// How many of them are connected once that is no more than `most`. The relay may need some seconds to turn the others away; it has
// fewer than its time-outs, which would turn them all away.
async function connected(peers, most) {
	const left = () => peers.filter((peer) => !peer.over).length;
	for (let i = 0; i < 100 && left() > most; i++) await sleep(50);
	if (left() > most) throw new Error(`${left()} are connected, of ${peers.length}`);
	return left();
}
const resets = (peer, count, code) => upTo(count).filter((i) => peer.stream(i * 4).reset === code).length;

const everybody = () => costs("announcement", 4 * ANNOUNCED);
row("announcements: 20,000 of each of 5 sessions", () => everybody() + 5 * (costs("announcement that is left out", 16_384) + CONNECTION), async (r) => {
	const peers = [];
	for (const n of upTo(5)) {
		const peer = await announcing(r, "tcp");
		peers.push(peer);
		for (const part of upTo(20)) await peer.write(1, Buffer.concat(upTo(1000).map((i) => announce(true, `${n}/${part * 1000 + i}`))));
	}
	const said = await works(peers[0]);
	for (const peer of peers) peer.destroy();
	return said;
});
// Many streams × many announcements × many changes: nothing of it is read.
row(
	"announce streams: 5 peers with 40 each that read nothing, 800 announcements that change 20 times",
	() => everybody() + costs("change of an announcement, for another that reads nothing", 5 * 16 * 4 * ANNOUNCED) + costs("announce stream", 5 * 16) + (5 * 16 * 64) / 1024 + 9 * CONNECTION,
	async (r) => {
		const announcers = [];
		for (const n of upTo(4)) {
			const peer = await announcing(r, "tcp");
			announcers.push(peer);
			await peer.write(1, Buffer.concat(upTo(ANNOUNCED).map((i) => announce(true, `${n}/${i}`, [n + 1]))));
		}
		const deaf = [];
		for (const _ of upTo(5)) {
			const peer = await Peer.to(r, "tcp", { deaf: true });
			deaf.push(peer);
			peer.send(...upTo(40).map((i) => stream(i * 4, pack(1, message("", 0)))));
		}
		await sleep(500);
		for (const round of upTo(20))
			for (const [n, peer] of announcers.entries()) await peer.write(1, Buffer.concat(upTo(ANNOUNCED).map((i) => announce(true, `${n}/${i}`, [n + 1, 100 + round]))));
		const said = await works(announcers[0]);
		for (const peer of [...announcers, ...deaf]) peer.destroy();
		return said;
	},
);
row("subscriptions: as many as there are streams, and one more", () => costs("subscription", STREAMS) + 3 * CONNECTION, async (r) => {
	const c = await channel(r, "silent");
	const peer = await viewer(r);
	for (const i of upTo(STREAMS)) peer.send(stream(i * 4, subscribe(i, "silent", "t")));
	await sleep(1500);
	same(peer.said, undefined, "the end");
	peer.send(stream(STREAMS * 4, subscribe(STREAMS, "silent", "t")));
	const said = await peer.ended();
	gone(c);
	return said;
});
row("fetches: as many as there are streams, of a group that does not end", () => costs("fetch", STREAMS) + 3 * CONNECTION, async (r) => {
	const c = await channel(r, "endless");
	await group(c, 0, frameOf(zeros(10)), false);
	await c.reader.until(() => [...c.reader.streams].some(([id, s]) => (id & 3) === 3 && s.size > 10), "the group");
	const peer = await viewer(r);
	for (const i of upTo(STREAMS - 10)) peer.send(stream(i * 4, fetchOf("endless", "t", 0), { fin: true }));
	await peer.until(() => upTo(STREAMS - 10).every((i) => peer.stream(i * 4).size > 0), "a beginning of each");
	const said = await works(peer, (STREAMS - 5) * 4);
	peer.destroy();
	gone(c);
	return said;
});
row("questions without an answer: 1,000 of each of 4 viewers", () => costs("question without an answer", 4 * WAITING) + costs("stream", 4 * WAITING + 4 * STREAMS) / 4 + 5 * CONNECTION, async (r) => {
	const silent = await announcing(r, "tcp");
	await silent.write(1, announce(true, "mute"));
	await shown(r, "mute");
	const peers = [];
	for (const n of upTo(4)) {
		const peer = await viewer(r);
		peers.push(peer);
		for (const i of upTo(1000)) peer.send(stream(i * 4, trackOf("mute", `${n}/${i}`), { fin: true }));
	}
	for (const peer of peers) await peer.until(() => resets(peer, 1000, CLOSED) >= 1000 - WAITING, "refusals");
	const refusals = peers.map((peer) => resets(peer, 1000, CLOSED));
	for (const peer of [...peers, silent]) peer.destroy();
	return `refused: ${refusals.join(" ")}`;
});
row("broadcasts that nobody has announced: 3,000 asked of the upstream", () => costs("broadcast that nobody has announced", REQUESTED) + costs("question without an answer", WAITING) + 2 * CONNECTION, async (r) => {
	const peer = await viewer(r);
	const codes = new Map();
	let next = 0;
	let over = 0;
	while (over < 3000) {
		const batch = [];
		for (; next < 3000 && next - over < WAITING - 4 && next < peer.allowed.bidi; next++) batch.push(stream(next * 4, trackOf(`no/${next}`, "t"), { fin: true }));
		if (batch.length > 0) peer.send(...batch);
		await peer.until(() => {
			for (const [id, s] of peer.streams) {
				if ((id & 3) !== 0 || s.reset === undefined) continue;
				codes.set(s.reset, (codes.get(s.reset) ?? 0) + 1);
				peer.streams.delete(id);
				over++;
			}
			return over === next || (next < 3000 && next - over < WAITING / 2 && next < peer.allowed.bidi);
		}, `answers (${over} of ${next})`);
	}
	for (const code of codes.keys()) same(code, [NOT_FOUND, CLOSED], "the answer");
	const said = await works(peer, next * 4);
	peer.destroy();
	return `${[...codes].map(([code, n]) => `${code} x ${n}`).join(" ")}, ${said}`;
});
// The heap keeps a reserve of large pieces.
row("groups that are not taken: 192 MiB for 4 viewers", () => 1.5 * (4 * costs("subscription whose groups are not taken", 1) + 2 * CACHE) + 6 * CONNECTION, async (r) => {
	const c = await channel(r, "untaken", { latency: 60_000, limits: { 7: 0 } });
	const peers = [];
	for (const _ of upTo(3)) {
		const peer = await viewer(r, "tcp", { limits: { 7: 0 } });
		peers.push(peer);
		peer.send(stream(0, subscribe(1, "untaken", "t")));
	}
	await sleep(200);
	const body = frameOf(zeros(MIB / 2));
	for (const i of upTo(384)) await group(c, i, body);
	const said = await works(c.publisher);
	for (const peer of peers) peer.destroy();
	gone(c);
	return said;
});
row("groups: 80,000 without a frame, to be kept for ever", () => 1.25 * CACHE + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "groups", { latency: 2 ** 40 });
	await emptyGroups(c, upTo(80_000));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("groups that are under way: as many as there are streams", () => costs("group that is under way", STREAMS) + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "open", { latency: 2 ** 40 });
	for (const i of upTo(STREAMS - 10)) {
		await c.publisher.write(c.next, groupOf(c, i));
		c.next += 4;
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("frames: 300,000 empty ones in a group", () => costs("frame", 32_768) + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "frames");
	const id = await group(c, 0, Buffer.alloc(0), false);
	await c.publisher.write(id, zeros(600_000));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("chunks: a frame of 1 MiB, of which 100,000 bytes come one at a time", () => costs("chunk of a byte", 100_000) + 1 + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "chunks");
	const head = pack(0, MIB);
	const id = await group(c, 0, head, false);
	let at = groupOf(c, 0).length + head.length;
	for (const part of upTo(100)) {
		c.publisher.send(...upTo(1000).map(() => stream(id, zeros(1), { offset: at++ })));
		if (part % 10 === 9) await c.publisher.drained();
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("datagrams: 20,000", () => costs("datagram", 1024) + (1024 * 1150) / MIB + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "datagrams", { latency: 60_000 });
	for (const i of upTo(20_000)) {
		c.publisher.send(pack(0x31, message(c.id, i, i, zeros(1150))));
		await c.publisher.drained();
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("streams × sessions: 1,000 that say nothing, of each of 10", () => costs("stream", 10 * STREAMS) + 10 * CONNECTION, async (r) => {
	const peers = [];
	for (const _ of upTo(10)) {
		const peer = await viewer(r);
		peers.push(peer);
		peer.send(...upTo(1000).map((i) => stream(i * 4)));
	}
	await sleep(500);
	const said = await works(peers[0], 4000);
	for (const peer of peers) peer.destroy();
	return said;
});
row("bytes that are not read: as much as there is credit for, of each of 10 without SETUP", () => costs("byte that is not read", 10 * 2 * MIB) + 10 * CONNECTION, async (r) => {
	const peers = [];
	for (const _ of upTo(10)) {
		const peer = await Peer.to(r, "tcp", { setup: false });
		peers.push(peer);
		await peer.until(() => peer.theirs, "parameters");
		for (const i of upTo(4)) await peer.write(i * 4, zeros(255 * 1024));
	}
	await sleep(500);
	const ends = peers.filter((peer) => peer.said !== undefined).length;
	for (const peer of peers) peer.destroy();
	same(ends, 0, "the ends");
	return "nothing";
});
row("sessions: 300 of one address", () => costs("session", CONNECTIONS) + CONNECTIONS * CONNECTION, async (r) => {
	const peers = [];
	for (const batch of upTo(15)) {
		const some = await Promise.all(upTo(20).map(() => Peer.to(r, batch % 2 === 0 ? "tcp" : "ws").catch(() => undefined)));
		peers.push(...some.filter((peer) => peer));
	}
	await sleep(1000);
	const left = await connected(peers, CONNECTIONS).finally(() => peers.forEach((peer) => peer.destroy()));
	await sleep(300);
	return `${left} stay`;
});
row("requests of HTTP: 60 half ones", () => costs("HTTP request", HANDSHAKES) + 60 * CONNECTION, async (r) => {
	const peers = await Promise.all(upTo(60).map(() => Peer.to(r, "ws", { raw: true })));
	for (const peer of peers) peer.raw(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(15_000)}`));
	await sleep(1000);
	const left = await connected(peers, HANDSHAKES).finally(() => peers.forEach((peer) => peer.destroy()));
	await sleep(300);
	return `${left} are waited for`;
});
