// The rows of the cost table for peers of MoQ Transport, as in the room `limits`.
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { same } from "../checks.mjs";
import { costs } from "../costs.mjs";
import { datagram, fetchOf, KEPT, MoqtPeer, namespaceFound, object, property, publish, publishNamespace, RENDEZVOUS, requestOk, subgroup, subscribe, subscribeNamespace, TOKEN, token } from "../moqt.mjs";
import { stream } from "../qmux.mjs";
import { MIB } from "../room.mjs";
import { ANNOUNCED, CACHE, CONNECTION, EVERYBODY, row as rowOf, smallRoom, STREAMS, WAITING } from "../row.mjs";

export const moqtRoom = smallRoom("moqt", { plain: 192, asan: 800 });
const row = (title, bound, run) => rowOf(moqtRoom, title, bound, run);
const zeros = (n) => Buffer.alloc(n);
const leave = (...peers) => peers.forEach((peer) => peer.destroy());

// A track that a peer has pushed, and one that reads it.
async function pushed(r, path, { limits, properties = KEPT } = {}) {
	const publisher = await MoqtPeer.to(r);
	publisher.ask((id) => publish(id, [path], "t", 1, properties));
	await publisher.until(() => publisher.answered(0), "PUBLISH_OK");
	const reader = await MoqtPeer.to(r, { limits });
	reader.ask((id) => subscribe(id, [path], "t"));
	await reader.until(() => reader.answered(0), "SUBSCRIBE_OK");
	return { publisher, reader };
}

row("subscriptions: as many as there are streams, each of another track, which another peer has published", () => costs("track that is published", STREAMS) + costs("subscription of MoQ Transport", STREAMS) + 3 * CONNECTION, async (r) => {
	const publisher = await MoqtPeer.to(r);
	for (const i of upTo(STREAMS - 4)) publisher.ask((id) => publish(id, ["many"], `${i}`, i));
	const published = await publisher.answers(STREAMS - 4);
	const peer = await MoqtPeer.to(r);
	for (const i of upTo(STREAMS - 4)) peer.ask((id) => subscribe(id, ["many"], `${i}`));
	const said = await peer.answers(STREAMS - 4);
	leave(peer, publisher);
	return `${published}; ${said}`;
});
row("fetches: as many as there are streams, of a group that does not end", () => costs("fetch of MoQ Transport", STREAMS) + 3 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "endless");
	await publisher.openUni(Buffer.concat([subgroup(1, 0), object(zeros(10))]), false);
	await reader.until(() => [...reader.streams].some(([id, s]) => (id & 3) === 3 && s.size > 10), "the group");
	const peer = await MoqtPeer.to(r);
	for (const _ of upTo(STREAMS - 4)) peer.ask((id) => fetchOf(id, ["endless"], "t", 0));
	const said = await peer.answers(STREAMS - 4);
	leave(peer, publisher, reader);
	return said;
});
row("rendezvous: 1,000 of each of 4 viewers, for namespaces of 32 parts", () => costs("subscription that waits for its broadcast", 4 * WAITING) + costs("stream", 4 * STREAMS) / 4 + 4 * CONNECTION, async (r) => {
	const peers = [];
	const path = [...upTo(31).map(() => "x"), "never"];
	for (const _ of upTo(4)) {
		const peer = await MoqtPeer.to(r);
		peers.push(peer);
		for (const i of upTo(1000)) peer.ask((id) => subscribe(id, path, `t${i}`, { [RENDEZVOUS]: 60_000 }));
	}
	const refused = (peer) => upTo(1000).filter((i) => peer.answered(4 * i)).length;
	for (const peer of peers) await peer.until(() => refused(peer) >= 1000 - WAITING, "refusals");
	await sleep(500);
	const said = `refused: ${peers.map(refused).join(" ")}, ${peers[0].ways(1000)}`;
	leave(...peers);
	return said;
});
row("namespaces: 1,000 published by each of 5 sessions", () => costs("namespace that is published", EVERYBODY) + costs("stream", 5 * STREAMS) + 5 * CONNECTION, async (r) => {
	const peers = [];
	for (const n of upTo(5)) {
		const peer = await MoqtPeer.to(r);
		peers.push(peer);
		for (const i of upTo(1000)) peer.ask((id) => publishNamespace(id, [`${n}`, `${i}`]));
	}
	const said = [];
	for (const peer of peers) said.push(await peer.answers(1000));
	await peers[0].works();
	leave(...peers);
	return said.join("; ");
});
// A peer that has been asked for its namespaces, on stream 1.
async function telling(r) {
	const peer = await MoqtPeer.to(r);
	await peer.until(() => peer.stream(1).size > 3, "SUBSCRIBE_NAMESPACE");
	await peer.write(1, requestOk());
	return peer;
}
row("namespaces: 20,000 told by each of 5 sessions", () => costs("namespace that is told", EVERYBODY) + costs("namespace that is told and left out", 5 * (2 * ANNOUNCED + 64)) + 5 * CONNECTION, async (r) => {
	const peers = [];
	for (const n of upTo(5)) {
		const peer = await telling(r);
		peers.push(peer);
		for (const part of upTo(20)) await peer.write(1, Buffer.concat(upTo(1000).map((i) => namespaceFound([`${n}`, `${part * 1000 + i}`]))));
	}
	const said = await peers[0].works();
	leave(...peers);
	return said;
});
row("streams for namespaces: 40 of each of 5 peers that read nothing, 800 namespaces", () => costs("namespace that is told", EVERYBODY) + costs("stream for namespaces", 5 * 16) + costs("namespace that a peer is told", 5 * 16 * EVERYBODY) + costs("stream", 5 * 40) + 9 * CONNECTION, async (r) => {
	const deaf = [];
	for (const _ of upTo(5)) {
		const peer = await MoqtPeer.to(r, { limits: { 5: 100 } });
		deaf.push(peer);
		// Prefixes do not overlap.
		for (const i of upTo(40)) peer.ask((id) => subscribeNamespace(id, [`${i}`]));
	}
	const announcers = [];
	for (const n of upTo(4)) {
		const peer = await telling(r);
		announcers.push(peer);
		await peer.write(1, Buffer.concat(upTo(ANNOUNCED).map((i) => namespaceFound([`${i % 40}`, `${n}`, `${i}`]))));
	}
	await sleep(500);
	const said = await announcers[0].works();
	leave(...announcers, ...deaf);
	return said;
});
row("tracks: 1,000 published by each of 4 sessions", () => costs("track that is published", 4 * STREAMS) + 5 * CONNECTION, async (r) => {
	const peers = [];
	for (const n of upTo(4)) {
		const peer = await MoqtPeer.to(r);
		peers.push(peer);
		for (const i of upTo(1000)) peer.ask((id) => publish(id, [`tracks${n}`], `${i}`, i));
	}
	const said = [];
	for (const peer of peers) said.push(await peer.answers(1000));
	leave(...peers);
	return said.join("; ");
});
row("properties of tracks: 1,000 with 4,000 bytes, and 1,000 with 60,000, which are too many", () => costs("track that is published", STREAMS) + costs("byte of a published track's properties", 1000 * 4000) + 2 * CONNECTION, async (r) => {
	const peer = await MoqtPeer.to(r);
	const long = await MoqtPeer.to(r);
	for (const i of upTo(1000)) {
		peer.ask((id) => publish(id, ["properties"], `${i}`, i, property(4000)));
		await long.write(4 * i, publish(2 * i, ["long"], `${i}`, i, property(60_000)));
		await peer.drained();
	}
	const said = [await peer.answers(1000), await long.answers(1000)];
	leave(peer, long);
	return said.join("; ");
});
row("subgroups: 60,000, 8 in a group, to be kept for ever", () => 1.25 * CACHE + 2 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "subgroups");
	await publisher.openMany(60_000, (i) => Buffer.concat([subgroup(1, i >> 3, i & 7), object(Buffer.from("x"))]));
	const said = await publisher.works();
	leave(publisher, reader);
	return said;
});
row("subgroups that are under way: as many as there are streams", () => costs("subgroup that is under way", STREAMS) + 2 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "open", { limits: { 7: 0 } });
	for (const i of upTo(STREAMS - 10)) await publisher.openUni(Buffer.concat([subgroup(1, i), object(Buffer.from("x"))]), false);
	const said = await publisher.works();
	leave(publisher, reader);
	return said;
});
row("objects: 200,000 with a property each, in a group", () => costs("object with properties", 32_768) + 2 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "objects");
	const one = object(Buffer.from("x"), { properties: property(1) });
	const id = await publisher.openUni(subgroup(1, 0, 0, { properties: true }), false);
	await publisher.write(id, Buffer.concat(upTo(200_000).map(() => one)));
	const said = await publisher.works();
	leave(publisher, reader);
	return said;
});
// The newest group stays whatever the cache says, up to 32 MiB. The heap keeps a reserve of large pieces.
row("properties of objects: 1,000 times 60,000 bytes", () => 1.25 * 32 + costs("byte of an object's properties", 60_000) + CACHE + 4 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "large");
	const one = object(Buffer.from("x"), { properties: property(60_000) });
	const id = await publisher.openUni(subgroup(1, 0, 0, { properties: true }), false);
	for (const _ of upTo(1000)) await publisher.write(id, one);
	const said = await publisher.works();
	leave(publisher, reader);
	return said;
});
row("datagrams: 20,000", () => costs("datagram", 1024) + (1024 * 1150) / MIB + 2 * CONNECTION, async (r) => {
	const { publisher, reader } = await pushed(r, "datagrams");
	for (const i of upTo(20_000)) {
		publisher.send(Buffer.concat([Buffer.from([0x31]), sized(datagram(1, i, 0, zeros(1150)))]));
		await publisher.drained();
	}
	const said = await publisher.works();
	leave(publisher, reader);
	return said;
});
// As qmux writes it.
const sized = (bytes) => Buffer.concat([Buffer.from([0x40 | (bytes.length >> 8), bytes.length & 255]), bytes]);
row("streams before their subscription: 1,000 of each of 10 sessions, with as much as there is credit for", () => costs("stream that comes before its subscription", 10 * 64) + costs("stream", 10 * STREAMS) + costs("byte that is not read", 10 * MIB) + 10 * CONNECTION, async (r) => {
	const peers = [];
	for (const _ of upTo(10)) {
		const peer = await MoqtPeer.to(r);
		peers.push(peer);
		await peer.openMany(1000, (i) => Buffer.concat([subgroup(5000 + i, 0), object(zeros(900))]));
	}
	const said = await peers[0].works();
	leave(...peers);
	return said;
});
row("requests: 5,000, with a number left out before each", () => costs("number of a request beside a gap", 1025) + costs("stream", STREAMS) + CONNECTION, async (r) => {
	const peer = await MoqtPeer.to(r);
	let over = 0;
	for (let next = 0; next < 5000; ) {
		for (; next - over < 200 && next < 5000 && next < peer.allowed.bidi; next++) peer.send(stream(4 * next, subscribe(4 * next + 4, ["nobody"], "t"), { fin: true }));
		await peer.until(() => {
			for (const [id, s] of peer.streams) {
				if ((id & 3) !== 0 || !(s.fin || s.reset !== undefined)) continue;
				peer.streams.delete(id);
				over++;
			}
			return over === next || (next < peer.allowed.bidi && next - over < 100);
		}, `answers (${over} of ${next})`);
	}
	const said = peer.said ?? "goes on";
	leave(peer);
	return said;
});
row("tokens: 60,000 bytes in each of 1,000 subscriptions that wait for their tracks", () => costs("subscription that waits for its broadcast", WAITING) + costs("stream", STREAMS) + costs("byte that is not read", MIB) + CONNECTION, async (r) => {
	const peer = await MoqtPeer.to(r);
	const tokens = upTo(30).map(() => token(2000));
	for (const i of upTo(1000)) await peer.write(4 * i, subscribe(2 * i, ["never"], `t${i}`, { [TOKEN]: tokens, [RENDEZVOUS]: 60_000 }));
	await sleep(300);
	const said = peer.ways(1000);
	leave(peer);
	return said;
});
row("SETUP: 60,000 bytes in each of 40 sessions", () => costs("byte of SETUP", 40 * 60_000) + 40 * CONNECTION, async (r) => {
	const peers = [];
	for (const _ of upTo(40)) peers.push(await MoqtPeer.to(r, { implementation: "x".repeat(60_000) }));
	const said = await peers[0].works();
	same(peers.filter((peer) => peer.over).length, 0, "the ends");
	leave(...peers);
	return said;
});
