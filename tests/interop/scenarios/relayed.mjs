// With a relay between the peers, which are the package's.
import { upTo } from "../lib/range.mjs";
import { CANCEL, CLOSED, NOT_FOUND } from "./codes.mjs";

export const relayed = {
	async "several viewers, one late"(o) {
		const relay = o.relay("relay", "--listen", "tcp://127.0.0.1:0");
		const url = await relay.url();
		const pub = o.client("js", "publish", url, ["--groups", "0", "--rate", "20", "--broadcast", "room/a", "--info-priority", "4", "--latency", "20000", "--timescale", "48000"]);
		const early = upTo(2).map((i) => o.client("js", "subscribe", url, ["--announced", "-", "--broadcast", "room/a", "--await", "--tracks", "1"], `viewer ${i}`));
		await Promise.all(early.map((viewer) => viewer.until("group", {}, 8)));
		const late = o.client("js", "subscribe", url, ["--broadcast", "room/a", "--tracks", "1"], "the late one");
		const views = [...early, late];
		if (o.programs.peer) views.push(o.peer("c++", "c++ over TCP", ["subscribe", await relay.url("tcp"), "--stdin", "--broadcast", "room/a", "--tracks", "1"]));
		await Promise.all(views.map((viewer) => viewer.until("group", {}, 8)));
		o.expect(Math.min(...late.all("group").map((e) => e.group)) >= 6, "the late one begins at the live edge");
		for (const viewer of views) {
			o.expect(viewer.all("group").every((e) => e.ok && e.error === null && e.frames === 3), `groups of ${viewer.name}`);
			o.same(viewer.all("info").map((e) => [e.timescale, e.latencyMax, e.priority, e.ordered]), [[48000, 20000, 4, false]], "info");
		}
		o.expect(pub.all("demand", {}).filter((e) => e.subscription).length === 1, "the publisher is asked once");
		pub.say("unannounce room/a");
		await Promise.all(early.map((viewer) => viewer.until("unannounce", { broadcast: "room/a" })));
		await o.goodbye(...views, pub);
	},

	async "two relays, announced and on demand"(o) {
		// A publisher makes broadcasts on request, and announces none of them: relay A asks it, relay B asks A.
		const maker = o.programs.peer && o.peer("c++", "maker", ["serve", "publish", "--qmux", o.qmux, "--no-announce", "--on-demand", "made", "--dynamic", "--tracks", "1", "--groups", "3", "--stdin", "--linger", "2000"]);
		const a = o.relay("relay A", ...(maker ? ["--upstream", (await maker.until("listening"))[0].url] : []));
		const url = await a.url();
		const b = o.relay("relay B", "--upstream", url);
		const edge = await b.url();
		const pub = o.client("js", "publish", url, ["--broadcast", "room/a", "--groups", "4", "--begin", "demand", "--linger", "2000"]);
		const viewers = upTo(2).map((i) => o.client("js", "subscribe", edge, ["--announced", "-"], `viewer ${i}`));
		for (const viewer of viewers) {
			await viewer.until("announce", { broadcast: "room/a" });
			viewer.say("subscribe room/a t0");
			if (maker) viewer.say("subscribe made/for/us t0");
			viewer.say("subscribe nowhere t0");
		}
		for (const viewer of viewers) {
			await viewer.until("track-end", {}, maker ? 3 : 2);
			o.same(viewer.all("track-end", { broadcast: "nowhere" }).map((e) => e.code), [NOT_FOUND], "nobody has it");
			o.same(viewer.all("announce").map((e) => e.broadcast), ["room/a"], "announced");
			for (const broadcast of maker ? ["room/a", "made/for/us"] : ["room/a"]) {
				const groups = viewer.all("group", { broadcast });
				o.expect(groups.length > 0 && groups.every((e) => e.ok && e.error === null && e.frames === 3), `groups of ${broadcast}`);
				o.same(viewer.all("track-end", { broadcast }).map((e) => e.error), [null], `end of ${broadcast}`);
			}
		}
		o.whole(viewers[0], { broadcast: "room/a" }, upTo(4), 3);
		if (maker) o.same(maker.all("broadcast-request", { known: true }).map((e) => e.broadcast), ["made/for/us"], "the requests to the maker");
		await o.goodbye(...viewers, pub);
	},

	async "an upstream of the package"(o) {
		// The relay is a client here, of a server that is made of the package.
		const server = o.peer("js", "upstream", ["serve", "publish", "--qmux", o.qmux, "--broadcast", "up/a", "--groups", "5", "--linger", "2000", "--stdin"]);
		const [{ url }] = await server.until("listening");
		const relay = o.relay("relay", "--upstream", url);
		const viewer = o.client("js", "subscribe", await relay.url(), ["--announced", "-", "--broadcast", "up/a", "--await", "--tracks", "1", "--until-end"]);
		await viewer.until("steps-done");
		o.whole(viewer, { track: "t0" }, upTo(5), 3);
		viewer.say("subscribe up/a nope");
		viewer.say("subscribe elsewhere t0");
		await Promise.all([viewer.until("track-end", { track: "nope" }), viewer.until("track-end", { broadcast: "elsewhere" })]);
		o.expect([...viewer.all("track-end", { track: "nope" }), ...viewer.all("track-end", { broadcast: "elsewhere" })].every((e) => e.error !== null), "what is not there");
		await o.goodbye(viewer);
	},

	async "unknown paths and tracks"(o) {
		const relay = o.relay("relay");
		const url = await relay.url();
		const pub = o.client("js", "publish", url, ["--broadcast", "room/a", "--groups", "1"]);
		const viewer = o.client("js", "subscribe", url, ["--announced", "-", "--broadcast", "room/a", "--await"]);
		await viewer.until("announce");
		for (const what of ["room/b t0", "room t0", "room/a/b t0", "room/a nope"]) {
			viewer.say(`subscribe ${what}`);
			viewer.say(`fetch ${what} 0`);
		}
		viewer.say("subscribe room/a t0");
		await Promise.all([viewer.until("track-end", {}, 5), viewer.until("fetch-error", {}, 4)]);
		for (const broadcast of ["room/b", "room"]) {
			o.same([...viewer.all("track-end", { broadcast }), ...viewer.all("fetch-error", { broadcast })].map((e) => e.code), [NOT_FOUND, NOT_FOUND], broadcast);
		}
		// The package was asked for what is below its announcement, too. It refuses by 0: the relay takes that for a cancellation.
		o.same([...viewer.all("track-end", { broadcast: "room/a/b" }), ...viewer.all("fetch-error", { broadcast: "room/a/b" })].map((e) => e.code), [CANCEL, CANCEL], "room/a/b");
		o.same([...viewer.all("track-end", { track: "nope" }), ...viewer.all("fetch-error", { track: "nope" })].map((e) => e.code), [CANCEL, CANCEL], "the unknown track");
		o.whole(viewer, { broadcast: "room/a", track: "t0" }, [0], 3);
		await o.goodbye(viewer, pub);
	},

	async "the publisher is killed"(o) {
		const relay = o.relay("relay");
		const url = await relay.url();
		const slow = ["--groups", "0", "--frames", "100", "--frame-gap", "20"];
		const victim = o.client("js", "publish", url, ["--broadcast", "room/a", ...slow], "victim");
		const other = o.client("js", "publish", url, ["--broadcast", "room/b", "--groups", "0", "--rate", "20"], "other");
		const viewers = upTo(2).map((i) => o.client("js", "subscribe", url, ["--announced", "-", "--broadcast", "room/a", "--broadcast", "room/b", "--await", "--tracks", "1"], `viewer ${i}`));
		await Promise.all(viewers.map((viewer) => viewer.until("frame", { broadcast: "room/a", frame: 3 })));
		victim.kill();
		for (const viewer of viewers) {
			await viewer.until("unannounce", { broadcast: "room/a" });
			const [group] = await viewer.until("group", { broadcast: "room/a" });
			o.expect(group.error !== null && group.ok && group.frames >= 3, `the group that was cut: ${JSON.stringify(group)}`);
			const [track] = await viewer.until("track-end", { broadcast: "room/a" });
			o.expect(track.error !== null, "the track's end has an error");
			const count = viewer.all("group", { broadcast: "room/b" }).length;
			await viewer.until("group", { broadcast: "room/b", error: null }, count + 5);
		}
		const heir = o.client("js", "publish", url, ["--broadcast", "room/a", "--groups", "5", "--linger", "3000"], "heir");
		// Both before its track ends: the package refuses a later subscriber.
		for (const viewer of viewers) {
			await viewer.until("announce", { broadcast: "room/a" }, 2);
			viewer.say("release room/a");
			viewer.say("subscribe room/a t0");
		}
		for (const viewer of viewers) {
			await viewer.until("track-end", { broadcast: "room/a", error: null });
			const groups = viewer.all("group", { broadcast: "room/a", error: null });
			o.expect(groups.length > 0 && groups.every((e) => e.ok && e.frames === 3), "groups of the heir");
		}
		await o.goodbye(...viewers, heir, other);
	},

	async "paths that are not allowed"(o) {
		const relay = o.relay("relay", "--path-allow", "room");
		const url = await relay.url();
		const pub = o.client("js", "publish", url, ["--broadcast", "room/a", "--broadcast", "other/a", "--groups", "0", "--rate", "20"]);
		const viewer = o.client("js", "subscribe", url, ["--announced", "room", "--broadcast", "room/a", "--await", "--tracks", "1"]);
		await viewer.until("group", { broadcast: "room/a" }, 2);
		viewer.say("announced -");
		viewer.say("subscribe other/a t0");
		viewer.say("fetch other/a t0 0");
		const [end] = await viewer.until("track-end", { broadcast: "other/a" });
		const [fetched] = await viewer.until("fetch-error", { broadcast: "other/a" });
		o.same([end.code, fetched.code], [CLOSED, CLOSED], "the codes of the refusals");
		await viewer.until("announce", { prefix: "", broadcast: "room/a" });
		const count = viewer.all("group", { broadcast: "room/a" }).length;
		await viewer.until("group", { broadcast: "room/a", error: null }, count + 5);
		o.same(viewer.all("announce", { broadcast: "other/a" }), [], "a path that is not allowed is not announced");
		await o.goodbye(viewer, pub);
	},
};
