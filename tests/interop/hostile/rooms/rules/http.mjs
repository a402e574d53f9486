// Requests that do not begin a WebSocket.
import { expectEnd } from "../../checks.mjs";
import { Peer } from "../../peer.mjs";
import { UPGRADE } from "../../websocket.mjs";
import { rawOffence } from "./raw.mjs";

export function http(rules) {
	const raw = rawOffence(rules);
	const http = (title, want, text, how = {}) => raw(`HTTP: ${title}`, "ws", want, Buffer.from(text, "latin1"), { raw: true, ...how });
	http("nonsense", "http 400", "hello there\r\n\r\n");
	http("TLS", "http 400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
	http("a preface of HTTP/2", "http 505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	http("a head without an end", "http 431", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}`);
	http("a line without an end", "http 431", "x".repeat(20_000));
	http("1000 fields", "http 431", `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(1000)}\r\n`);
	http("no host", "http 400", "GET / HTTP/1.1\r\n\r\n");
	http("two hosts", "http 400", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
	http("a space before the colon", "http 400", "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
	http("a folded line", "http 400", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n");
	http("line feeds only", "quiet", "GET / HTTP/1.1\nHost: a\n\n", { within: 14_000, after: 8000 });
	http("no file", "http 404", "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	http("an upgrade without a key", "http 400", UPGRADE("02", "/").replace(/Sec-WebSocket-Key.*\r\n/, ""));
	http("an upgrade with a bad key", "http 400", UPGRADE("02", "/").replace("dGhl", "!!!!"));
	http("an upgrade to another version", "http 426", UPGRADE("02", "/").replace("Version: 13", "Version: 8"));
	http("an upgrade to another draft", "http 400", UPGRADE("99", "/"));
	http("an upgrade by POST", "http 400", UPGRADE("02", "/").replace("GET", "POST"));
	http("an upgrade to an invalid path", "http 403", UPGRADE("02", `/${"a".repeat(5000)}`));
	http("an upgrade to a path that is not allowed", "http 403", UPGRADE("02", "/elsewhere"));
	http("a head that is cut", "quiet", "GET / HT", { cut: true });
	rules.attack("HTTP: 3000 requests on one connection", async (r) => {
		const peer = await Peer.to(r, "ws", { raw: true });
		peer.raw(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2999)));
		peer.raw(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
		return await expectEnd(peer, "http 404", { within: 15_000 });
	});
}
