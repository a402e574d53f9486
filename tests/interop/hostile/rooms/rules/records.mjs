// Impossible records, and impossible messages of WebSocket.
import { TIMEOUT } from "../../../lib/codes.mjs";
import { pack, zeros } from "../../bytes.mjs";
import { works } from "../../checks.mjs";
import { Peer } from "../../peer.mjs";
import { FIRST_RECORD, ping } from "../../qmux.mjs";
import { framed, UPGRADE } from "../../websocket.mjs";
import { rawOffence } from "./raw.mjs";

export function records(rules) {
	const raw = rawOffence(rules);
	raw("record of 1 GiB (tcp)", "tcp", "close 7", pack(2 ** 30));
	raw("record of 2^62 - 1 (tcp)", "tcp", "close 7", pack(2n ** 62n - 1n));
	raw("record of one byte too many (tcp)", "tcp", "close 7", pack(FIRST_RECORD + 1));
	raw("record without frames (tcp)", "tcp", "close 7", pack(0));
	raw("record that is cut (tcp)", "tcp", "quiet", pack(100, zeros(50)), { cut: true });
	raw("size of a record that is cut (tcp)", "tcp", "quiet", Buffer.from([0x80]), { cut: true });
	raw("first bytes of TLS (tcp)", "tcp", TIMEOUT, Buffer.from("1603010200010001fc0303", "hex"), { raw: true, within: 16_000, after: 8000 });
	raw("a whole hello of TLS (tcp)", "tcp", ["close 10", "close 7"], pack(Buffer.from("1603010200010001fc0303", "hex"), zeros(506)), { raw: true });
	// It begins like a record of 1861 bytes.
	raw("HTTP (tcp)", "tcp", TIMEOUT, Buffer.from(UPGRADE("02", "/")), { raw: true, within: 16_000, after: 8000 });
	raw("HTTP that is long (tcp)", "tcp", ["close 10", "close 7"], Buffer.from(UPGRADE("02", `/${"x".repeat(2000)}`)), { raw: true });
	raw("message of one byte too many (ws)", "ws", "ws 1009", framed(zeros(FIRST_RECORD + 1)));
	raw("message of 2^62 (ws)", "ws", "ws 1009", framed(zeros(1), 2, { size: 2n ** 62n }));
	raw("message of 1 GiB (ws)", "ws", "ws 1009", framed(zeros(1), 2, { size: 2 ** 30 }));
	raw("message of too many parts (ws)", "ws", "ws 1009", [framed(zeros(10_000), 2, { fin: false }), framed(zeros(10_000), 0)]);
	rules.attack("messages without frames (ws)", async (r) => {
		const peer = await Peer.to(r, "ws");
		for (let i = 0; i < 1000; i++) peer.raw(framed(zeros(0)));
		const said = await works(peer);
		peer.destroy();
		return said;
	});
	raw("text (ws)", "ws", "ws 1003", framed(Buffer.from("hello"), 1));
	raw("without a mask (ws)", "ws", "ws 1002", framed(ping(0), 2, { mask: false }));
	raw("reserved bits (ws)", "ws", "ws 1002", framed(ping(0), 2, { bits: 0x40 }));
	raw("reserved opcode (ws)", "ws", "ws 1002", framed(ping(0), 3));
	raw("ping of 126 bytes (ws)", "ws", ["ws 1002", "ws"], framed(zeros(126), 9));
	raw("ping in two parts (ws)", "ws", ["ws 1002", "ws"], framed(zeros(1), 9, { fin: false }));
	raw("continuation of nothing (ws)", "ws", "ws 1002", framed(zeros(1), 0));
	raw("message within a message (ws)", "ws", "ws 1002", [framed(zeros(1), 2, { fin: false }), framed(zeros(1), 2)]);
	raw("close frame of one byte (ws)", "ws", ["ws 1002", "ws"], framed(zeros(1), 8));
	raw("message that is cut (ws)", "ws", ["quiet", "ws 1000"], framed(zeros(10), 2, { size: 100 }), { cut: true });
}
