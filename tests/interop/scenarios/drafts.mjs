// The drafts of qmux, and peers that do not speak the same one.
import { scenario } from "./ways.mjs";

export const DRAFTS = ["qmux-02", "qmux-01"];

export const drafts = [
	scenario("the draft that both sides speak", async (o) => {
		// The server takes one draft only. The package as it is offers 27 names, among them that one.
		const { listens, visits } = o;
		const other = DRAFTS.find((draft) => draft !== o.qmux);
		const kind = o.way.server === "pub" ? [o.way.pub, o.way.sub] : [o.way.sub, o.way.pub];
		const args = { publish: ["--groups", "2"], subscribe: ["--tracks", "1", "--expect", "2"] };
		const server = o.peer(kind[0], "server", ["serve", listens, "--qmux", o.qmux, ...args[listens], ...(listens === "publish" ? [] : ["--timeout", "20000"])]);
		const [{ url }] = await server.until("listening");
		const wrong = o.peer(kind[1], "the wrong client", [visits, url, "--qmux", other, ...args[visits]]);
		if (wrong.kind === "c++") {
			await wrong.exit;
			o.same(wrong.code, 1, "exit code of a client that speaks the other draft");
		} else {
			// The package waits for ever for a session that is refused.
			await server.until("refused");
			wrong.kill();
		}
		o.same(wrong.all("connected"), [], "a client that speaks the other draft");
		const right = o.peer(kind[1], "the right client", [visits, url, "--qmux", kind[1] === "js" ? "stock" : "any", ...args[visits]]);
		await Promise.all([server.exit, right.exit]);
		o.same([server.code, right.code], [0, 0], "exit codes");
		for (const peer of [server, right]) o.same(peer.all("connected").map((e) => e.protocol), [`${o.qmux}.${o.lite}`], "their protocol");
	}),
];
