// Announcements, requests and deliveries.
import { upTo } from "../lib/range.mjs";
import { APP, codeFrom, NOT_FOUND } from "./codes.mjs";
import { fromCpp, fromJs, scenario } from "./ways.mjs";

export const broadcasts = [
	scenario("announce and unannounce", async (o) => {
		const publish = ["--broadcast", "a/b", "--broadcast", "a/c", "--broadcast", "ab/d"];
		await o.pair({ publish, subscribe: ["--announced", "a"] }, async (pub, sub) => {
			const seen = () => sub.events.filter((e) => e.event === "announce" || e.event === "unannounce");
			sub.say("watch a/c");
			await Promise.all([sub.until("announce", {}, 2), sub.until("online", { broadcast: "a/c" })]);
			pub.say("unannounce a/b");
			await sub.until("unannounce", { broadcast: "a/b" });
			pub.say("announce a/b");
			await sub.until("announce", { broadcast: "a/b" }, 2);
			pub.say("announce a");
			await sub.until("announce", { broadcast: "a" });
			pub.say("unannounce a/c");
			await Promise.all([sub.until("unannounce", { broadcast: "a/c" }), sub.until("offline", { broadcast: "a/c" })]);
			const shown = seen().map((e) => `${e.event} ${e.broadcast}|${e.suffix}`);
			o.same(shown.slice(0, 2).sort(), ["announce a/b|b", "announce a/c|c"], "the first announcements");
			o.same(shown.slice(2), ["unannounce a/b|b", "announce a/b|b", "announce a|", "unannounce a/c|c"], "the changes");
		});
	}),

	scenario("announcements of some prefixes", async (o) => {
		const publish = ["--broadcast", "a/x", "--broadcast", "b/y", "--broadcast", "c/z"];
		await o.pair({ publish, subscribe: ["--scope", "a", "--scope", "b/y", "--announced", "-"] }, async (pub, sub) => {
			await sub.until("announce", {}, 2);
			pub.say("announce c/w");
			pub.say("announce a/w");
			await sub.until("announce", { broadcast: "a/w" });
			o.same(sub.all("announce").map((e) => e.broadcast).sort(), ["a/w", "a/x", "b/y"], "announced");
		});
	}, fromJs),

	scenario("from the beginning, and track info", async (o) => {
		const publish = ["--tracks", "2", "--groups", "5", "--frames", "6", "--size", "0,1,63,64,16384,70000", "--reorder", "--info-priority", "7", "--info-ordered", "--latency", "20000", "--timescale", "90000", "--step", "3000"];
		await o.pair({ publish, subscribe: ["--tracks", "2", "--announced", "-", "--await", "--until-end"] }, async (pub, sub) => {
			for (const track of ["t0", "t1"]) {
				o.whole(sub, { track }, upTo(5), 6);
				const info = sub.all("info", { track }).map((e) => [e.timescale, e.latencyMax, e.priority, e.ordered]);
				o.same(info, [[90000, 20000, 7, true]], "info");
				// Neighbours are swapped: every second delta is negative.
				o.same(sub.all("group", { track, group: 1 })[0]?.timestamps, [21000, 18000, 27000, 24000, 33000, 30000], "timestamps");
				o.same(sub.all("frame", { track, group: 2 }).map((e) => e.size), [0, 1, 63, 64, 16384, 70000], "sizes");
				o.same([...new Set(sub.all("frame", { track }).map((e) => e.scale))], [90000], "timescale of frames");
				o.same(sub.all("track-end", { track }).map((e) => e.error), [null], "end");
			}
			sub.say("info test t1");
			await sub.until("info", { asked: true, track: "t1", timescale: 90000, latencyMax: 20000, priority: 7, ordered: true });
		});
	}),

	scenario("many frames, and an empty group", async (o) => {
		// A peer of the package gives up on a group of more than 1,024 frames that it has not read.
		const publish = ["--groups", "3", "--frames", "1000", "--size", "0,10", "--big-group", "1", "--big-frames", "0", "--finish", "never"];
		await o.pair({ publish, subscribe: ["--tracks", "1", "--expect", "3", "--detail", "group"] }, async (_, sub) => {
			o.same(sub.all("group").map((e) => [e.group, e.frames, e.bytes, e.ok, e.error]).sort((x, y) => x[0] - y[0]), [[0, 1000, 5000, true, null], [1, 0, 0, true, null], [2, 1000, 5000, true, null]], "groups");
		});
	}),

	scenario("groups of the past, and missing broadcasts and tracks", async (o) => {
		const publish = ["--tracks", "2", "--groups", "10", "--begin", "now", "--finish", "never", "--first-group", "100", "--latency", "20000"];
		await o.pair({ publish }, async (pub, sub) => {
			await Promise.all(["t0", "t1"].map((track) => pub.until("group-written", { track, group: 109 })));
			sub.say("fetch test t0 104");
			sub.say("fetch test t0 109 priority=5");
			await sub.until("fetch", {}, 2);
			sub.say("subscribe test t0");
			await sub.until("group", { track: "t0" });
			sub.say("fetch test t0 100");
			sub.say("subscribe test t1 startGroup=103 endGroup=106");
			for (const what of ["gone t0", "test nope"]) {
				sub.say(`subscribe ${what}`);
				sub.say(`info ${what}`);
				sub.say(`fetch ${what} 0`);
			}
			await Promise.all([sub.until("fetch", {}, 3), sub.until("group", { track: "t1" }, 4), sub.until("track-end", {}, 2), sub.until("info-error", {}, 2), sub.until("fetch-error", {}, 2)]);
			o.same(sub.all("fetch").map((e) => [e.group, e.frames, e.ok, e.error]), [[104, 3, true, null], [109, 3, true, null], [100, 3, true, null]], "fetched");
			for (const [broadcast, track] of [["gone", "t0"], ["test", "nope"]]) {
				for (const event of ["track-end", "info-error", "fetch-error"]) {
					o.same(sub.all(event, { broadcast, track }).map((e) => e.code), [codeFrom(pub.kind, sub.kind, NOT_FOUND)], `${event} of ${broadcast} ${track}`);
				}
			}
			o.whole(sub, { track: "t0" }, [109], 3);
			o.whole(sub, { track: "t1" }, [103, 104, 105, 106], 3);
		});
	}),

	scenario("an update of the subscription", async (o) => {
		const publish = ["--groups", "0", "--rate", "40"];
		await o.pair({ publish, subscribe: ["--tracks", "1", "--priority", "3", "--max-latency", "3000", "--end", "4"] }, async (pub, sub) => {
			await sub.until("group", { group: 4 });
			await pub.until("group-written", { group: 9 });
			o.expect(sub.all("group").every((e) => e.group <= 4), "groups beyond the end");
			sub.say("update test t0 priority=9 ordered=true latencyMax=4000 endGroup=14");
			await sub.until("group", { group: 14 });
			await pub.until("group-written", { group: 19 });
			o.expect(sub.all("group").every((e) => e.group <= 14), "groups beyond the end that was raised");
			sub.say("unsubscribe test t0");
			await sub.until("track-end", { error: null });
			await pub.until("demand", { subscription: null });
			o.same(
				pub.all("demand").map((e) => e.subscription && [e.subscription.priority, e.subscription.ordered, e.subscription.latencyMax, e.subscription.endGroup]),
				[[3, false, 3000, 4], [9, true, 4000, 14], null],
				"what the publisher saw",
			);
			o.whole(sub, { track: "t0" }, upTo(15), 3);
			// A subscriber that has left can come again, to the same track.
			sub.say("subscribe test t0");
			await sub.until("group", {}, 18);
		});
	}),

	scenario("tracks on demand", async (o) => {
		await o.pair({ publish: ["--dynamic", "--tracks", "2", "--groups", "3"], cpp: o.way.pub === "c++" ? ["--refuse", "5"] : [], subscribe: ["--tracks", "2", "--until-end"] }, async (pub, sub) => {
			for (const track of ["t0", "t1"]) o.whole(sub, { track }, upTo(3), 3);
			sub.say("subscribe test nope");
			const [end] = await sub.until("track-end", { track: "nope" });
			o.same(end.code, codeFrom(pub.kind, sub.kind, APP + 5), "code of the refusal");
			await pub.until("request", { track: "nope", known: false });
		});
	}),

	scenario("broadcasts on demand, never announced", async (o) => {
		await o.pair({ publish: ["--no-announce", "--on-demand", "made", "--tracks", "2", "--groups", "4", "--dynamic", "--refuse", "6"], subscribe: ["--announced", "-"] }, async (pub, sub) => {
			for (const what of ["made/for/me t0", "made/for/me t1", "made/too t0", "other t0"]) sub.say(`subscribe ${what}`);
			await sub.until("track-end", {}, 4);
			o.whole(sub, { broadcast: "made/for/me", track: "t0" }, upTo(4), 3);
			o.whole(sub, { broadcast: "made/for/me", track: "t1" }, upTo(4), 3);
			o.whole(sub, { broadcast: "made/too" }, upTo(4), 3);
			o.same(sub.all("track-end", { broadcast: "other" }).map((e) => e.code), [APP + 6], "code of the refusal");
			o.same(pub.all("broadcast-request", { known: true }).map((e) => e.broadcast).sort(), ["made/for/me", "made/too"], "requests");
			o.same(sub.all("announce"), [], "announced");
		});
	}, fromCpp),
];
