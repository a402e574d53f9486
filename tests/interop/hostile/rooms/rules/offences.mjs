// Frames and messages that end the connection.
import { VIOLATION } from "../../../lib/codes.mjs";
import { upTo } from "../../../lib/range.mjs";
import { message, pack, zeros } from "../../bytes.mjs";
import { expectEnd } from "../../checks.mjs";
import { setup } from "../../lite.mjs";
import { KINDS, Peer } from "../../peer.mjs";
import { MAX_RECORD, parameter, parametersOf, ping, PONG, PROTOCOLS, reset, stop, stream } from "../../qmux.mjs";

export function offences(rules) {
	// Frames that end the connection, each kind of connection in turn.
	function offence(title, want, frames, how = {}) {
		for (const kind of how.kinds ?? KINDS) {
			rules.attack(`${title} (${kind})`, async (r) => {
				const peer = await Peer.to(r, kind, how);
				await peer.until(() => peer.theirs, "parameters");
				for (const part of typeof frames === "function" ? frames(kind) : [frames]) peer.send(part);
				const ended = await expectEnd(peer, want, how);
				return ended;
			});
		}
	}
	const early = { setup: false };

	offence("frame of an unknown type", "close 7", pack(0x40, 1));
	offence("ACK of QUIC", "close 7", pack(0x02, 0, 0, 0, 0));
	offence("NEW_CONNECTION_ID of QUIC", "close 7", pack(0x18, 0));
	offence("a ping twice", "close 10", () => [ping(5), ping(5)]);
	offence("a ping that goes back", "close 10", () => [ping(5), ping(4)]);
	offence("an answer to a ping that nobody sent", "close 10", pack(PONG, 1000));
	offence("frame that goes beyond its record", "close 7", pack(0x0e, 0, 0, 100, zeros(3)));
	offence("frame that is cut in a number", "close 7", Buffer.from([0x0e, 0x40]));
	offence("parameters twice", "close 10", parametersOf([]), { kinds: ["tcp", "ws"] });
	offence("STREAM before the parameters", "close 10", stream(2, setup()), { hello: false });
	offence("PING before the parameters", "close 10", ping(0), { hello: false });
	for (const [title, list] of [
		["a parameter twice", [parameter(4, 1), parameter(4, 1)]],
		["an unknown parameter twice", [parameter(0x99, 1), parameter(0x99, 1)]],
		["a number that is cut", [pack(4, 1, Buffer.from([0x40]))]],
		["a value beyond the frame", [pack(4, 200, 1)]],
		["2^60 + 1 streams", [parameter(8, 2n ** 60n + 1n)]],
		["records of 100 bytes", [parameter(MAX_RECORD, 100)]],
		["65 parameters", upTo(65).map((i) => parameter(100 + i, 1))],
		...[0, 2, 3, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10].map((id) => [`the forbidden parameter ${id}`, [parameter(id, 1)]]),
	])
		offence(`parameters: ${title}`, "close 8", (kind) => [parametersOf([...(kind === "tcp" ? [parameter(PROTOCOLS, "moq-lite-05")] : []), ...list])], { hello: false });
	offence("parameters: no protocol", "close 376", parametersOf([parameter(4, 1)]), { hello: false, kinds: ["tcp"] });
	offence("parameters: another protocol", "close 376", parametersOf([parameter(PROTOCOLS, "moq-lite-99")]), { hello: false, kinds: ["tcp"] });

	offence("data on a stream that the relay never opened", "close 5", stream(4001, "x"));
	offence("data on the relay's unidirectional stream", "close 5", stream(3, "x"));
	offence("STOP_SENDING on one's own unidirectional stream", "close 5", stop(2));
	offence("MAX_STREAM_DATA for one's own unidirectional stream", "close 5", pack(0x11, 2, 1000));
	offence("RESET of the relay's unidirectional stream", "close 5", reset(3));
	offence("bidirectional stream beyond the limit", "close 4", stream(4 * 1_000_000, "x"));
	offence("unidirectional stream beyond the limit", "close 4", stream(2 + 4 * 1_000_000, "x"));
	offence("stream with the largest id", "close 4", stream(2n ** 62n - 4n, "x"));
	offence("RESET of a stream beyond the limit", "close 4", reset(4 * 1_000_000));
	offence("more streams than the relay tells", "close 4", stream(4 * 1024, "x"), early);

	const blocks = (id, total) => upTo(Math.ceil(total / 16_000)).map((i) => stream(id, zeros(Math.min(16_000, total - i * 16_000)), { offset: i * 16_000 }));
	offence("data beyond the stream's credit", "close 3", () => [...blocks(0, 262_144), stream(0, "x", { offset: 262_144 })], early);
	offence("data beyond the connection's credit", "close 3", () => [...[0, 4, 8, 12].flatMap((id) => blocks(id, 262_144)), stream(16, "x")], early);
	offence("RESET with a final size beyond the credit", "close 3", reset(0, 0, 262_145), early);
	offence("RESET with the largest final size", "close 3", reset(0, 0, 2n ** 62n - 1n), early);
	offence("data after FIN", "close 6", () => [stream(0, "x", { fin: true }), stream(0, "y", { offset: 1 })], early);
	offence("FIN twice with another size", "close 6", () => [stream(0, "x", { fin: true }), stream(0, "", { offset: 0, fin: true })], early);
	offence("RESET after FIN with another size", "close 6", () => [stream(0, "x", { fin: true }), reset(0, 0, 2)], early);
	offence("data with a gap", "close 10", () => [stream(0, "x"), stream(0, "y", { offset: 2 })], early);
	offence("data again", "close 10", () => [stream(0, "xx"), stream(0, "x", { offset: 1 })], early);
	offence("data beyond the largest size of a stream", "close 7", stream(0, "xx", { offset: 2n ** 62n - 1n }), early);
	offence("MAX_STREAMS beyond 2^60", "close 7", pack(0x12, 2n ** 60n + 1n));
	offence("datagram that is too large", "close 10", pack(0x31, 2000, zeros(2000)));
	offence("datagram that is too large, without a length", "close 10", pack(0x30, zeros(2000)));

	offence("SETUP twice", VIOLATION, stream(6, setup(), { fin: true }));
	offence("SETUP with a parameter twice", VIOLATION, stream(2, setup(parameter(5, 1), parameter(5, 1)), { fin: true }), early);
	offence("SETUP with 65 parameters", VIOLATION, stream(2, setup(...upTo(65).map((i) => parameter(100 + i, 1))), { fin: true }), early);
	offence("SETUP with 2^40 parameters", VIOLATION, stream(2, pack(1, message(2 ** 40)), { fin: true }), early);
	offence("SETUP that is cut", VIOLATION, stream(2, setup(parameter(5, 1)).subarray(0, 3), { fin: true }), early);
	offence("SETUP with something behind it", VIOLATION, stream(2, pack(setup(), 0), { fin: true }), early);
	offence("SETUP of 1 GiB", VIOLATION, stream(2, pack(1, 2 ** 30)), early);
}
