// As many messages as possible, of kinds that are cheap to send.
import { upTo } from "../../lib/range.mjs";
import { breathe, sleep } from "../../lib/time.mjs";
import { byte, message, pack, zeros } from "../bytes.mjs";
import { works } from "../checks.mjs";
import { FLOOD } from "../flooding.mjs";
import { subscribe } from "../lite.mjs";
import { KINDS, Peer } from "../peer.mjs";
import { ping, PLENTY, reset, stop, stream } from "../qmux.mjs";
import { Room } from "../room.mjs";
import { framed } from "../websocket.mjs";

export const floods = new Room("floods", { plain: 160, asan: 600 });

// Opens stream after stream, as fast as the relay gives credit.
async function openAndEnd(r, kind, frames, uni = false) {
	const peer = await Peer.to(r, kind);
	await peer.until(() => peer.theirs, "parameters");
	const end = performance.now() + FLOOD;
	let next = uni ? 1 : 0;
	const most = () => (uni ? peer.allowed.uni : peer.allowed.bidi);
	while (performance.now() < end) {
		if (next >= most()) await peer.until(() => next < most(), "credit for streams", 10_000);
		const batch = [];
		for (let size = 0; next < most() && size < 8000; next++) {
			const part = frames(next * 4 + (uni ? 2 : 0), next);
			size += part.length;
			batch.push(part);
		}
		peer.send(...batch);
		await peer.drained();
		for (const id of peer.streams.keys()) if ((id & 1) === 0) peer.streams.delete(id);
		await breathe();
	}
	await peer.until(() => uni || next < peer.allowed.bidi, "credit for one more", 10_000);
	const said = await works(peer, uni ? 400 : next * 4);
	peer.destroy();
	return `${next} streams, ${said}`;
}
for (const kind of KINDS) {
	floods.attack(`streams: opened and reset (${kind})`, (r) => openAndEnd(r, kind, (id) => pack(stream(id, byte(2)), reset(id, 0, 1))));
	floods.attack(`streams: SUBSCRIBE and reset (${kind})`, (r) =>
		openAndEnd(r, kind, (id, i) => {
			const bytes = subscribe(i, "room/stander", "t0");
			return pack(stream(id, bytes), stop(id), reset(id, 0, bytes.length));
		}),
	);
	floods.attack(`streams: reset at once (${kind})`, (r) => openAndEnd(r, kind, (id) => pack(stop(id), reset(id))));
	floods.attack(`streams: groups of nobody (${kind})`, (r) => openAndEnd(r, kind, (id, i) => stream(id, pack(0, message(i, i), 0, 1, "x"), { fin: true }), true));
	floods.attack(`pings (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.flood((i) => Buffer.concat(upTo(1000).map((n) => ping(1000 * i + n))), 300);
		const said = await works(peer);
		peer.destroy();
		return `${peer.pongs} answers to 300000, ${said}`;
	});
	floods.attack(`pings, and nothing is read (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind, { deaf: true });
		const end = performance.now() + FLOOD;
		let asked = 0;
		while (performance.now() < end) {
			peer.send(Buffer.concat(upTo(1000).map(() => ping(asked++))));
			await Promise.race([peer.drained(), sleep(500)]);
			await breathe();
		}
		peer.destroy();
		return "nothing";
	});
	floods.attack(`padding and credit (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.flood((i) => pack(zeros(8000), ...upTo(500).map(() => pack(0x10, PLENTY + i)), ...upTo(500).map(() => pack(0x14, i))), 1000);
		const said = await works(peer);
		peer.destroy();
		return said;
	});
}
floods.attack("pings of WebSocket", async (r) => {
	const peer = await Peer.to(r, "ws");
	const many = Buffer.concat(upTo(200).map((i) => framed(zeros(i % 125), 9)));
	for (let i = 0; i < 500; i++) {
		peer.raw(many);
		await peer.drained();
	}
	const said = await works(peer);
	peer.destroy();
	return `${peer.pongs} answers to 100000, ${said}`;
});
floods.attack("pings of WebSocket, and nothing is read", async (r) => {
	const peer = await Peer.to(r, "ws", { deaf: true });
	const many = Buffer.concat(upTo(200).map(() => framed(zeros(125), 9)));
	const end = performance.now() + FLOOD;
	while (performance.now() < end) {
		peer.raw(many);
		await Promise.race([peer.drained(), sleep(500)]);
	}
	peer.destroy();
	return "nothing";
});
