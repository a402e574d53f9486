// The outcome that an attacker expects.
import { subscribe } from "./lite.mjs";
import { stream } from "./qmux.mjs";

export function same(got, want, what) {
	const wanted = Array.isArray(want) ? want : [want];
	if (!wanted.includes(got)) throw new Error(`${what}: got ${got}, want ${wanted.join(" or ")}`);
}
// Usually before the relay's time-outs, which begin with 10 s.
export async function expectEnd(peer, want, { within = 9000, after = 0 } = {}) {
	const got = await peer.ended(within);
	same(got, want, peer.reason ? `the end (${peer.reason})` : "the end");
	if (peer.over.ms < after) throw new Error(`ended after ${peer.over.ms.toFixed(0)} ms already`);
	return `${got} after ${peer.over.ms.toFixed(0)} ms`;
}
// Whether the session still works: a group of the bystander comes.
export async function works(peer, id = 400, track = "t0") {
	const before = new Set(peer.streams.keys());
	peer.send(stream(id, subscribe(77, "room/stander", track)));
	await peer.until(() => [...peer.streams].some(([n, s]) => (n & 3) === 3 && !before.has(n) && s.fin), "a group of the bystander");
	peer.send(stream(id, "", { offset: subscribe(77, "room/stander", track).length, fin: true }));
	return "goes on";
}
export async function refused(peer, id, bytes, code, fin = false) {
	await peer.write(id, bytes, fin);
	await peer.until(() => peer.stream(id).reset !== undefined || peer.stream(id).fin, `an answer on ${id}`);
	same(peer.stream(id).reset, code, `RESET of ${id}`);
	return `reset ${code}`;
}
export async function stopped(peer, id, code) {
	await peer.until(() => peer.stream(id).stop !== undefined, "STOP_SENDING");
	same(peer.stream(id).stop, code, "STOP_SENDING");
	return `stop ${code}`;
}
