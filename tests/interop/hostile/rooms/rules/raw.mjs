import { expectEnd } from "../../checks.mjs";
import { Peer } from "../../peer.mjs";

// Bytes that are not frames, and the end that they lead to.
export const rawOffence = (rules) => (title, kind, want, bytes, how = {}) =>
	rules.attack(title, async (r) => {
		const peer = await Peer.to(r, kind, how);
		for (const part of [bytes].flat()) peer.raw(part);
		if (how.cut) peer.end();
		return await expectEnd(peer, want, how);
	});
