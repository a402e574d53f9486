// A peer that has received a request for its announcements: on stream 1, and for paths below its `prefix`.
import { message, pack, Reader } from "./bytes.mjs";
import { same } from "./checks.mjs";
import { Peer } from "./peer.mjs";
import { PLENTY, stream } from "./qmux.mjs";

export async function announcing(r, kind, how) {
	const peer = await Peer.to(r, kind, how);
	await peer.until(() => peer.stream(1).size > 2, "ANNOUNCE_REQUEST");
	const question = new Reader(peer.bytes(1));
	same(question.number(), 1, "type of the stream");
	question.number();
	peer.prefix = question.text();
	peer.send(pack(0x10, PLENTY));
	await peer.write(1, message(424_242, 0));
	return peer;
}
// Waits until the relay shows that path to others.
export async function shown(r, path) {
	const peer = await Peer.to(r, "tcp");
	peer.send(stream(0, pack(1, message("", 0))));
	await peer.until(() => peer.bytes(0).includes(path), `announcement of ${path}`);
	peer.destroy();
}
