// Offences that reset a stream, and nothing else.
import { CANCEL, CLOSED, INTERNAL, MALFORMED, NOT_FOUND } from "../../../lib/codes.mjs";
import { upTo } from "../../../lib/range.mjs";
import { byte, message, pack, Reader, zeros } from "../../bytes.mjs";
import { refused, same, stopped, works } from "../../checks.mjs";
import { fetchOf, setup, subscribe, trackOf } from "../../lite.mjs";
import { KINDS, Peer } from "../../peer.mjs";
import { parameter, stream } from "../../qmux.mjs";

export function streams(rules) {
	for (const kind of [...KINDS, "ws1"]) {
		const session = (title, run) =>
			rules.attack(`${title} (${kind})`, async (r) => {
				const peer = await Peer.to(r, kind);
				const said = await run(peer, r);
				await works(peer);
				peer.destroy();
				return said;
			});
		rules.attack(`SETUP with probe 9, role 7, hop 0 and an unknown parameter (${kind})`, async (r) => {
			const peer = await Peer.to(r, kind, { setup: false });
			peer.send(stream(2, setup(parameter(1, 9), parameter(3, 7), parameter(5, 0), parameter(99, 1)), { fin: true }));
			const said = await works(peer);
			peer.destroy();
			return said;
		});
		session("unknown unidirectional stream", async (peer) => {
			peer.send(stream(6, pack(0x33, 1, 2, 3)));
			return await stopped(peer, 6, INTERNAL);
		});
		session("unknown bidirectional stream", async (peer) => await refused(peer, 0, pack(0x33, 1, 2, 3), INTERNAL));
		session("streams that end before they begin", async (peer) => {
			for (const i of upTo(20)) peer.send(stream(i * 4, "", { fin: true }), stream(6 + i * 4, "", { fin: true }));
			return "nothing";
		});
		session("credit that shrinks", async (peer) => {
			await peer.until(() => peer.stream(1).size > 0, "a stream of the relay's");
			peer.send(pack(0x10, 1), pack(0x12, 0), pack(0x13, 0), pack(0x11, 1, 1), stream(0, pack(9)), pack(0x11, 0, 1));
			return "nothing";
		});
		session("datagrams of nobody", async (peer) => {
			for (const i of upTo(200)) peer.send(pack(0x31, message(i, i, i, "x")), pack(0x31, 1, byte(i & 0xff)), pack(0x30));
			return "nothing";
		});
		session("group of a subscription that nobody made", async (peer) => {
			for (const i of upTo(50)) peer.send(stream(6 + 4 * i, pack(0, message(i, i), 0, 1, "x")));
			await peer.until(() => upTo(50).every((i) => peer.stream(6 + 4 * i).stop !== undefined), "STOP_SENDING");
			same([...new Set(upTo(50).map((i) => peer.stream(6 + 4 * i).stop))].join(), `${CANCEL}`, "STOP_SENDING");
			return `stop ${CANCEL}`;
		});
		session("requests that cannot be read", async (peer) => {
			const cut = subscribe(1, "room/stander", "t0");
			await refused(peer, 0, pack(2, message(1, "room/stander", "t0", byte(0), byte(7), 0, 0, 0)), MALFORMED);
			await refused(peer, 4, pack(2, message(cut.subarray(2), 0)), MALFORMED);
			await refused(peer, 8, pack(2, 16_385, zeros(100)), MALFORMED);
			await refused(peer, 12, pack(6, message(200, "x")), MALFORMED);
			await refused(peer, 16, cut.subarray(0, 9), MALFORMED, true);
			await refused(peer, 20, pack(6, message("room/\xff\xfe".repeat(1), Buffer.from([1, 0xff]))), MALFORMED);
			return `reset ${MALFORMED}`;
		});
		session("paths that are none", async (peer) => {
			await refused(peer, 0, subscribe(1, "a".repeat(5000), "t0"), MALFORMED);
			await refused(peer, 4, trackOf("a".repeat(5000), "t0"), MALFORMED);
			await refused(peer, 8, fetchOf("a".repeat(5000), "t0", 0), MALFORMED);
			return `reset ${MALFORMED}`;
		});
		session("a path that is not allowed", async (peer) => {
			await refused(peer, 0, subscribe(1, "elsewhere/x", "t0"), CLOSED);
			await refused(peer, 4, trackOf("elsewhere/x", "t0"), CLOSED);
			await refused(peer, 8, fetchOf("elsewhere/x", "t0", 0), CLOSED);
			await refused(peer, 12, subscribe(1, "roomy/stander", "t0"), CLOSED);
			await refused(peer, 16, subscribe(1, "", "t0"), CLOSED);
			await peer.write(20, pack(1, message("elsewhere", 0)));
			await peer.until(() => peer.stream(20).size > 2, "ANNOUNCE_OK");
			const answer = new Reader(peer.bytes(20));
			answer.number();
			answer.number();
			same(answer.number(), 0, "active announcements of elsewhere");
			return `reset ${CLOSED}, nothing announced`;
		});
		session("a path where nothing is", async (peer) => {
			await refused(peer, 0, subscribe(1, "room/none", "t0"), NOT_FOUND);
			await refused(peer, 4, trackOf("room/none", "t0"), NOT_FOUND);
			await refused(peer, 8, fetchOf("room/none", "t0", 0), NOT_FOUND);
			return `reset ${NOT_FOUND}`;
		});
	}
}
