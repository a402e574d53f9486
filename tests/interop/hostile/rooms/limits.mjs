// A relay with small limits: each attack sends far more of one row of the cost table than may be held, and the relay's memory grows
// by no more than the row says for as many as its bound allows.
import { CLOSED, NOT_FOUND } from "../../lib/codes.mjs";
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { announcing, shown } from "../announcing.mjs";
import { byte, message, pack, zeros } from "../bytes.mjs";
import { channel, emptyGroups, frameOf, gone, group, groupOf, tracks } from "../channel.mjs";
import { same, works } from "../checks.mjs";
import { costs } from "../costs.mjs";
import { announce, fetchOf, restart, start, subscribe, trackOf } from "../lite.mjs";
import { Peer } from "../peer.mjs";
import { stream } from "../qmux.mjs";
import { MIB } from "../room.mjs";
import { ANNOUNCED, CACHE, CONNECTION, CONNECTIONS, connected, EVERYBODY, HANDSHAKES, NEWEST, REQUESTED, row as rowOf, smallRoom, STREAMS, WAITING } from "../row.mjs";

export const limits = smallRoom("limits", { plain: 160, asan: 700 }, { upstream: true });
const row = (title, bound, run) => rowOf(limits, title, bound, run);
const viewer = async (r, kind = "tcp", how = {}) => {
	const peer = await Peer.to(r, kind, how);
	await peer.until(() => peer.theirs, "parameters");
	return peer;
};
const LITE_06 = { protocol: "moq-lite-06" };
const resets = (peer, count, code) => upTo(count).filter((i) => peer.stream(i * 4).reset === code).length;

const everybody = () => costs("announcement", EVERYBODY);
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
row("announcements on moq-lite-06: 20,000 of each of 5 sessions", () => costs("announcement on moq-lite-06", EVERYBODY) + 5 * (costs("announcement that is left out on moq-lite-06", 16_384) + CONNECTION), async (r) => {
	const peers = [];
	for (const n of upTo(5)) {
		const peer = await announcing(r, "tcp", LITE_06);
		peers.push(peer);
		for (const part of upTo(20)) await peer.write(1, Buffer.concat(upTo(1000).map((i) => start(`${n}/${part * 1000 + i}`))));
	}
	const said = await works(await viewer(r));
	same(peers.filter((peer) => peer.said).length, 0, "the ends");
	for (const peer of peers) peer.destroy();
	return said;
});
row(
	"announce streams on moq-lite-06: 5 peers with 40 each that read nothing, 800 announcements that change 20 times",
	() =>
		costs("announcement on moq-lite-06", EVERYBODY) +
		costs("announcement that a peer is told on moq-lite-06", 5 * 16 * EVERYBODY) +
		costs("change of an announcement on moq-lite-06, for another that reads nothing", 5 * 16 * EVERYBODY) +
		costs("announce stream", 5 * 16) +
		(5 * 16 * 64) / 1024 +
		9 * CONNECTION,
	async (r) => {
		const announcers = [];
		for (const n of upTo(4)) {
			const peer = await announcing(r, "tcp", LITE_06);
			announcers.push(peer);
			await peer.write(1, Buffer.concat(upTo(ANNOUNCED).map((i) => start(`${n}/${i}`, [n + 1]))));
		}
		const deaf = [];
		for (const _ of upTo(5)) {
			const peer = await Peer.to(r, "tcp", { deaf: true, ...LITE_06 });
			deaf.push(peer);
			peer.send(...upTo(40).map((i) => stream(i * 4, pack(1, message("")))));
		}
		await sleep(500);
		for (const round of upTo(20)) for (const [n, peer] of announcers.entries()) await peer.write(1, Buffer.concat(upTo(ANNOUNCED).map((i) => restart(i, [n + 1, 100 + round]))));
		const said = await works(await viewer(r));
		same(announcers.filter((peer) => peer.said).length, 0, "the ends");
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
// As long as somebody reads the track, its newest group stays, whatever the cache says; the heap keeps a reserve of large pieces.
row("the newest group of a track: 80 MiB", () => 1.25 * costs("newest group of a track", 1) + costs("subscription whose groups are not taken", 1) + CACHE + 2 * CONNECTION, async (r) => {
	const c = await channel(r, "newest", { latency: 60_000, limits: { 7: 0 } });
	const id = await group(c, 0, Buffer.alloc(0), false);
	for (const _ of upTo(160)) await c.publisher.write(id, frameOf(zeros(MIB / 2)));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("the newest groups of many tracks: 8 MiB of each of 12", () => 1.25 * (NEWEST + CACHE) + costs("subscription whose groups are not taken", 4) + costs("track that somebody reads", 12) + 2 * CONNECTION, async (r) => {
	const c = await tracks(r, "several", upTo(12).map((i) => `t${i}`));
	for (const id of c.ids) {
		c.id = id;
		await group(c, 0, Buffer.concat(upTo(16).map(() => frameOf(zeros(MIB / 2)))));
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("numbers: 5,000 groups with a number left out before each, for each of 4 readers", () => costs("number beside a gap", 5 * 1025) + 1.25 * CACHE + 5 * CONNECTION, async (r) => {
	const c = await channel(r, "gaps", { latency: 60_000, readers: 4 });
	await emptyGroups(c, upTo(5000).map((i) => 2 * i));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("tracks that somebody reads: 1,000 of one publisher", () => costs("track that somebody reads", 1000) + 2 * CONNECTION, async (r) => {
	const c = await tracks(r, "many", upTo(1000).map((i) => `t${i}`));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
row("addresses in a GOAWAY: 16 KiB of each of 40 sessions, and one of 1 MiB", () => costs("byte of the address in a GOAWAY", 40 * 16 * 1024) + costs("byte that is not read", MIB) + 41 * CONNECTION, async (r) => {
	const peers = [];
	for (const _ of upTo(40)) {
		const peer = await viewer(r);
		peers.push(peer);
		await peer.write(0, pack(5, message("x".repeat(16_000))), true);
	}
	const said = await works(peers[0]);
	const greedy = await viewer(r);
	await greedy.write(0, pack(5, message("x".repeat(MIB))), true).catch(() => {});
	await greedy.until(() => greedy.stream(0).reset !== undefined || greedy.stream(0).stop !== undefined, "a refusal");
	for (const peer of [...peers, greedy]) peer.destroy();
	// Their places are free again.
	await sleep(500);
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
// Clients of HTTP that read nothing behind the beginning of their answer.
async function stalled(r, path) {
	const peers = await Promise.all(upTo(HANDSHAKES).map(() => Peer.to(r, "ws", { raw: true })));
	for (const peer of peers) {
		peer.raw(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`));
		await peer.until(() => peer.received > 200, "an answer");
		peer.stopReading();
	}
	return peers;
}
// The relay's answer ends after 30 s at the latest.
row("media by HTTP: 8 MiB for each of 20 that read nothing", () => costs("answer by HTTP that is not taken", HANDSHAKES) + 1.25 * (2 * CACHE) + 22 * CONNECTION, async (r) => {
	const c = await channel(r, "by/http", { latency: 60_000 });
	await group(c, 0, Buffer.concat(upTo(16).map(() => frameOf(zeros(MIB / 2)))));
	const peers = await stalled(r, "/fetch/by/http/t?group=0");
	await sleep(500);
	const said = await works(c.publisher);
	for (const peer of peers) peer.destroy();
	gone(c);
	return said;
});
row("names by HTTP: 200 of 4,000 bytes for each of 20 that read nothing", () => costs("announcement", ANNOUNCED) + (8 * ANNOUNCED * 4000) / MIB + costs("answer by HTTP that is not taken", HANDSHAKES) + 22 * CONNECTION, async (r) => {
	const announcer = await announcing(r, "tcp");
	for (const i of upTo(ANNOUNCED)) await announcer.write(1, announce(true, `${i}`.padEnd(4000, "x")));
	const peers = await stalled(r, "/announced");
	await sleep(500);
	const said = await works(announcer);
	for (const peer of peers) peer.destroy();
	announcer.destroy();
	return said;
});
