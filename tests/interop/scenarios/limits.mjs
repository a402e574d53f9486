// Much media, and little room for it.
import { upTo } from "../lib/range.mjs";
import { scenario } from "./ways.mjs";

export const limits = [
	scenario("a group of 5 MB", async (o) => {
		const publish = ["--groups", "3", "--big-group", "1", "--finish", "never", "--latency", "20000"];
		await o.pair({ publish, subscribe: ["--tracks", "1", "--expect", "3", "--detail", "group"] }, async (_, sub) => {
			o.same(sub.all("group", { group: 1 }).map((e) => [e.bytes, e.ok, e.error]), [[5_000_000, true, null]], "the group");
		});
	}),

	scenario("200 tracks", async (o) => {
		// The side that serves them has to allow more streams than the package does by itself, see peer.mjs.
		const publish = ["--tracks", "200", "--groups", "1", "--frames", "2", "--finish", "never", "--latency", "20000", "--config", "maxStreamsBidi=1000"];
		await o.pair({ publish, subscribe: ["--tracks", "200", "--expect", "1", "--detail", "group"] }, async (_, sub) => {
			for (const i of upTo(200)) o.whole(sub, { track: `t${i}` }, [0], 2);
		});
	}),

	scenario("small windows", async (o) => {
		const publish = ["--tracks", "4", "--groups", "8", "--size", "9000", "--finish", "never", "--latency", "20000"];
		const subscribe = ["--tracks", "4", "--expect", "8", "--detail", "group", "--config", "maxData=20000", "--config", "maxStreamDataUni=5000", "--config", "maxStreamsUni=3"];
		await o.pair({ publish, subscribe }, async (_, sub) => {
			for (const i of upTo(4)) o.whole(sub, { track: `t${i}` }, upTo(8), 3);
		});
	}),
];
