// Peers that say nothing, or little.
import { TIMEOUT } from "../../../lib/codes.mjs";
import { upTo } from "../../../lib/range.mjs";
import { sleep } from "../../../lib/time.mjs";
import { pack, zeros } from "../../bytes.mjs";
import { expectEnd } from "../../checks.mjs";
import { setup, subscribe } from "../../lite.mjs";
import { KINDS, Peer } from "../../peer.mjs";
import { parameter, parametersOf, ping, stream, usualParameters } from "../../qmux.mjs";
import { framed } from "../../websocket.mjs";

const SILENCE = { within: 16_000, after: 8000 };

async function drip(peer, bytes, pause = 100) {
	for (let i = 0; i < bytes.length && !peer.over && !peer.said; i++) {
		peer.raw(bytes.subarray(i, i + 1));
		await sleep(pause);
	}
}

export function silence(rules) {
	for (const kind of KINDS) {
		rules.attack(`20 half-open connections (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { raw: true })));
			const said = await Promise.all(peers.map((peer) => expectEnd(peer, kind === "tcp" ? TIMEOUT : "quiet", SILENCE)));
			return said[0];
		});
		rules.attack(`20 sessions without SETUP (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { setup: false })));
			let asked = 1;
			const pinging = setInterval(() => peers.forEach((peer) => peer.over || peer.send(ping(asked++))), 500);
			const said = await Promise.all(peers.map((peer) => expectEnd(peer, TIMEOUT, SILENCE))).finally(() => clearInterval(pinging));
			return said[0];
		});
		rules.attack(`20 sessions without parameters (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { hello: false })));
			const said = await Promise.all(peers.map((peer) => expectEnd(peer, TIMEOUT, SILENCE)));
			return said[0];
		});
		rules.attack(`50 drips: parameters (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind, { hello: false })));
			const frame = parametersOf([...usualParameters(kind), parameter(0x999, zeros(500))]);
			const record = kind === "tcp" ? pack(frame.length, frame) : framed(frame);
			const said = await Promise.all(peers.map((peer) => drip(peer, record).then(() => expectEnd(peer, TIMEOUT, SILENCE))));
			return said[0];
		});
		rules.attack(`50 drips: SETUP (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind, { setup: false })));
			const bytes = setup(parameter(9, zeros(500)));
			const said = await Promise.all(
				peers.map(async (peer) => {
					for (let i = 0; i < bytes.length && !peer.over && !peer.said; i++) {
						peer.send(stream(2, bytes.subarray(i, i + 1), { offset: i }));
						await sleep(100);
					}
					return await expectEnd(peer, TIMEOUT, SILENCE);
				}),
			);
			return said[0];
		});
		rules.attack(`50 drips: SUBSCRIBE (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind)));
			const bytes = subscribe(5, "room/stander", "t0");
			await Promise.all(
				peers.map(async (peer) => {
					for (const i of upTo(bytes.length)) {
						peer.send(stream(0, bytes.subarray(i, i + 1), { offset: i }));
						await sleep(100);
					}
					await peer.until(() => peer.stream(0).size > 0, "SUBSCRIBE_OK");
					peer.destroy();
				}),
			);
			return "served";
		});
		// A ping comes in the middle of the 4 s, and has a third of them for its answer.
		rules.attack(`20 records that never end (${kind})`, async (r) => {
			const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { limits: { 1: 4000 }, mute: true })));
			const record = kind === "tcp" ? pack(1000, zeros(300)) : framed(zeros(300), 2, { size: 1000 });
			const said = await Promise.all(peers.map((peer) => drip(peer, record, 50).then(() => expectEnd(peer, ["quiet", "ws 1000"], { within: 15_000, after: 2500 }))));
			return said[0];
		});
	}
	rules.attack("100 drips: a head of HTTP", async (r) => {
		const peers = await Promise.all(upTo(100).map(() => Peer.to(r, "ws", { raw: true })));
		const head = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(1000)}`);
		const said = await Promise.all(peers.map((peer) => drip(peer, head).then(() => expectEnd(peer, "quiet", SILENCE))));
		return said[0];
	});
	rules.attack("silent sessions are asked, and left after the idle time", async (r) => {
		const peer = await Peer.to(r, "tcp", { limits: { 1: 3000 }, deaf: true });
		await sleep(5000);
		const sent = peer.received;
		peer.destroy();
		return `${sent} bytes were read`;
	});
}
