// Scenarios that have only one way.
import { upTo } from "../lib/range.mjs";

export const alone = {
	async "c++ on both sides, over TCP"(o) {
		const server = o.peer("c++", "publish", ["serve", "publish", "--tcp", "--qmux", o.qmux, "--stdin", "--tracks", "3", "--groups", "6", "--big-group", "2", "--big-size", "1500000", "--latency", "20000"]);
		const [{ url }] = await server.until("listening");
		o.expect(url.startsWith("tcp://"), `the URL: ${url}`);
		const client = o.client("c++", "subscribe", url, ["--tracks", "3", "--announced", "-", "--await", "--until-end", "--detail", "group"]);
		await client.until("steps-done");
		for (const track of ["t0", "t1", "t2"]) o.same(client.all("group", { track }).map((e) => [e.ok, e.error]), upTo(6).map(() => [true, null]), track);
		await o.goodbye(client, server);
	},
};
