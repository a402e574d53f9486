#!/usr/bin/env node
// The library and the stock package @moq/net, each in every role against the other one, in both drafts of qmux; and the relay
// between peers of the package.
//
//   node run.mjs [--peer PROGRAM] [--relay PROGRAM] [--only REGEX] [--list] [--quick] [--jobs N] [--logs DIR]
//
//   --peer PROGRAM    comoq_interop_peer; what needs it is left out if it is not given
//   --relay PROGRAM   the relay of the examples; likewise
//   --only REGEX      the scenarios whose title matches
//   --list            prints the titles and runs nothing
//   --quick           each pair in one draft only, by turns, and not in both
//   --jobs N          so many scenarios at a time (default: one more than there are processors, four at most)
//   --logs DIR        writes there what the processes of each scenario said, all of it
//
// A title says who publishes to whom: [brackets] are around the side that listens. Exit code: 0 all went well, 1 not, 2 usage.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const PEER = fileURLToPath(new URL("./peer.mjs", import.meta.url));
const DRAFTS = ["qmux-02", "qmux-01"];
// Of a whole scenario. Most take less than a second; what is slow is a machine that has other things to do.
const LIMIT = 40_000;

function usage(message) {
	process.stderr.write(`${message}\nSee the top of run.mjs.\n`);
	process.exit(2);
}

let options;
try {
	options = parseArgs({
		options: {
			peer: { type: "string" },
			relay: { type: "string" },
			only: { type: "string", default: "" },
			list: { type: "boolean", default: false },
			quick: { type: "boolean", default: false },
			jobs: { type: "string", default: String(Math.min(4, availableParallelism() + 1)) },
			logs: { type: "string" },
		},
	}).values;
} catch (err) {
	usage(err.message);
}
for (const name of ["peer", "relay"]) {
	if (options[name] !== undefined && !existsSync(options[name])) usage(`--${name}: there is no ${options[name]}`);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const upTo = (n) => [...Array(n).keys()];
const fits = (event, fields) => Object.entries(fields).every(([name, value]) => event[name] === value);

// ---- processes

const running = new Set();
const killAll = () => {
	for (const child of running) child.kill("SIGKILL");
};
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		killAll();
		process.exit(1);
	});
}

class Process {
	#child;
	#waiting = new Set();

	constructor(name, program, args, stream) {
		this.name = name;
		this.command = [program, ...args].join(" ");
		this.lines = [];
		this.events = [];
		this.errors = "";
		this.code = undefined;
		this.killed = false;
		this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
		running.add(this.#child);
		this.#child.stdin.on("error", () => {});
		const other = stream === "stdout" ? this.#child.stderr : this.#child.stdout;
		other.setEncoding("utf8").on("data", (text) => {
			this.errors += text;
		});
		createInterface({ input: this.#child[stream] }).on("line", (line) => {
			this.lines.push(line);
			const event = this.parse(line);
			if (event) this.events.push(event);
			for (const check of [...this.#waiting]) check();
		});
		this.exit = new Promise((resolve) => {
			this.#child.on("error", (err) => {
				this.errors += err;
			});
			this.#child.on("close", (code, signal) => {
				running.delete(this.#child);
				this.code = code ?? signal;
				for (const check of [...this.#waiting]) check();
				resolve(this.code);
			});
		});
	}

	// One command, as of --do.
	say(command) {
		this.#child.stdin.write(`${command}\n`);
	}
	leave() {
		this.#child.stdin.end();
	}
	stop() {
		this.#child.kill("SIGTERM");
	}
	kill() {
		this.killed = true;
		this.#child.kill("SIGKILL");
	}

	all(event, fields = {}) {
		return this.events.filter((e) => e.event === event && fits(e, fields));
	}

	// Until so many events have come, which are given.
	until(event, fields = {}, count = 1) {
		return new Promise((resolve, reject) => {
			const check = () => {
				const found = this.all(event, fields);
				if (found.length < count && this.code === undefined) return;
				this.#waiting.delete(check);
				if (found.length >= count) resolve(found);
				else reject(new Error(`${this.name} left before ${count} x ${event} ${JSON.stringify(fields)}, there were ${found.length}`));
			};
			this.#waiting.add(check);
			check();
		});
	}

	whole() {
		return [`--- ${this.name}: ${this.command}`, ...this.lines, this.errors, `(exit ${this.code})`, ""].join("\n");
	}
	// So much of it that a failure can be understood.
	text() {
		const short = (line) => (line.length > 400 ? `${line.slice(0, 400)}...` : line);
		const lines = this.lines.length > 60 ? [...this.lines.slice(0, 20), "...", ...this.lines.slice(-40)] : this.lines;
		const errors = this.errors.split("\n").filter((line) => line !== "");
		return [`--- ${this.name}: ${this.command}`, ...lines.map(short), ...errors.slice(0, 60).map((line) => `! ${short(line)}`), `(exit ${this.code})`].map((line) => `       ${line}`).join("\n");
	}
}

class Peer extends Process {
	constructor(kind, name, args) {
		const program = kind === "js" ? process.execPath : options.peer;
		super(name, program, [...(kind === "js" ? [PEER] : []), ...args], "stdout");
		this.kind = kind;
	}
	parse(line) {
		return JSON.parse(line);
	}
}

class Relay extends Process {
	constructor(name, args) {
		super(name, options.relay, args, "stderr");
		this.kind = "relay";
	}
	// A line of its log: words, most of them NAME=VALUE or NAME="VALUE".
	parse(line) {
		const fields = Object.fromEntries([...line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)].map((m) => [m[1], m[2].replace(/^"|"$/g, "")]));
		return fields.event ? fields : undefined;
	}
	async url(scheme = "ws") {
		for (let n = 1; ; n++) {
			const found = (await this.until("listening", {}, n)).find((e) => e.url.startsWith(`${scheme}:`));
			if (found) return found.url;
		}
	}
}

// ---- what a scenario works with

class Run {
	processes = [];
	faults = [];

	constructor(place) {
		Object.assign(this, place);
	}

	expect(truth, what) {
		if (!truth) this.faults.push(what);
	}
	same(got, want, what) {
		this.expect(JSON.stringify(got) === JSON.stringify(want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
	}

	peer(kind, name, args) {
		const peer = new Peer(kind, name, args);
		this.processes.push(peer);
		return peer;
	}
	relay(name, ...args) {
		const relay = new Relay(name, ["--listen", "ws://127.0.0.1:0", "--threads", "2", ...args]);
		this.processes.push(relay);
		return relay;
	}
	// A client of a relay.
	client(kind, role, url, args = [], name = `${kind} ${role}`) {
		return this.peer(kind, name, [role, url, "--qmux", this.qmux, "--stdin", ...args]);
	}

	// One session as the way has it, with its publisher and its subscriber, which take commands. When `work` is done they
	// leave.
	async pair({ publish = [], subscribe = [], js = [], cpp = [] }, work) {
		const { pub, sub, server } = this.way;
		const args = (role) => [...(role === "publish" ? publish : subscribe), ...((role === "publish" ? pub : sub) === "js" ? js : cpp), "--stdin"];
		const listens = server === "pub" ? "publish" : "subscribe";
		const visits = server === "pub" ? "subscribe" : "publish";
		const kind = (role) => (role === "publish" ? pub : sub);
		const a = this.peer(kind(listens), listens, ["serve", listens, "--qmux", "any", ...args(listens)]);
		const [{ url }] = await a.until("listening");
		const b = this.peer(kind(visits), visits, [visits, url, "--qmux", this.qmux, ...args(visits)]);
		const [publisher, subscriber] = server === "pub" ? [a, b] : [b, a];
		await Promise.all([a.until("steps-done"), b.until("steps-done")]);
		await work(publisher, subscriber);
		await this.goodbye(subscriber, publisher);
		for (const peer of [a, b]) this.same(peer.all("connected").map((e) => e.protocol), [`${this.qmux}.moq-lite-05`], `what ${peer.name} speaks`);
	}

	async goodbye(...peers) {
		for (const peer of peers) {
			peer.leave();
			await peer.exit;
			this.same(peer.code, 0, `exit code of ${peer.name}`);
		}
	}

	// The groups of a track, each whole: in the order in which they came, which is not always theirs.
	whole(peer, fields, sequences, frames) {
		const groups = peer.all("group", fields);
		this.same(groups.map((e) => e.group).sort((x, y) => x - y), sequences, `groups of ${JSON.stringify(fields)}`);
		for (const e of groups) {
			this.expect(e.ok && e.error === null && e.frames === frames, `not whole: ${JSON.stringify(e).slice(0, 300)}`);
		}
	}

	// What no process may do, whatever it is for.
	inspect() {
		for (const process of this.processes) {
			if (process.kind !== "relay") this.expect(process.errors === "", `${process.name} wrote to standard error`);
			this.expect(!/Sanitizer|runtime error:/.test(process.errors + process.lines.join("\n")), `a sanitizer in ${process.name}`);
			this.same(process.all("unhandled"), [], `unhandled in ${process.name}`);
			this.same(process.all("command-error"), [], `commands of ${process.name}`);
			this.same(process.all("produce-error"), [], `production of ${process.name}`);
		}
	}
}

// ---- scenarios between two

const WAYS = [
	{ pub: "js", sub: "c++", server: "sub" },
	{ pub: "js", sub: "c++", server: "pub" },
	{ pub: "c++", sub: "js", server: "sub" },
	{ pub: "c++", sub: "js", server: "pub" },
];
const fromCpp = WAYS.filter((way) => way.pub === "c++");
const fromJs = WAYS.filter((way) => way.pub === "js");
const cppListens = WAYS.filter((way) => (way.server === "pub" ? way.pub : way.sub) === "c++");

// The codes that a refusal comes with: the package resets with 0, whatever it means.
const codeFrom = (kind, code) => (kind === "js" ? 0 : code);
const NOT_FOUND = 13;
const APP = 64;

const between = {};
function scenario(name, work, ways = WAYS) {
	between[name] = { work, ways };
}

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
		o.same(shown.slice(0, 2).sort(), ["announce a/b|b", "announce a/c|c"], "what was there");
		o.same(shown.slice(2), ["unannounce a/b|b", "announce a/b|b", "announce a|", "unannounce a/c|c"], "what changed");
	});
});

scenario("announcements of some prefixes", async (o) => {
	const publish = ["--broadcast", "a/x", "--broadcast", "b/y", "--broadcast", "c/z"];
	await o.pair({ publish, subscribe: ["--scope", "a", "--scope", "b/y", "--announced", "-"] }, async (pub, sub) => {
		await sub.until("announce", {}, 2);
		pub.say("announce c/w");
		pub.say("announce a/w");
		await sub.until("announce", { broadcast: "a/w" });
		o.same(sub.all("announce").map((e) => e.broadcast).sort(), ["a/w", "a/x", "b/y"], "announced");
	});
}, fromJs);

scenario("from the beginning, and track info", async (o) => {
	const publish = ["--tracks", "2", "--groups", "5", "--frames", "6", "--size", "0,1,63,64,16384,70000", "--reorder", "--info-priority", "7", "--info-ordered", "--latency", "4000", "--timescale", "90000", "--step", "3000"];
	await o.pair({ publish, subscribe: ["--tracks", "2", "--announced", "-", "--await", "--until-end"] }, async (pub, sub) => {
		for (const track of ["t0", "t1"]) {
			o.whole(sub, { track }, upTo(5), 6);
			const info = sub.all("info", { track }).map((e) => [e.timescale, e.latencyMax, e.priority, e.ordered]);
			o.same(info, [[90000, 4000, 7, true]], "info");
			// Neighbours are swapped: every second delta is negative.
			o.same(sub.all("group", { track, group: 1 })[0]?.timestamps, [21000, 18000, 27000, 24000, 33000, 30000], "timestamps");
			o.same(sub.all("frame", { track, group: 2 }).map((e) => e.size), [0, 1, 63, 64, 16384, 70000], "sizes");
			o.same([...new Set(sub.all("frame", { track }).map((e) => e.scale))], [90000], "timescale of frames");
			o.same(sub.all("track-end", { track }).map((e) => e.error), [null], "end");
		}
		sub.say("info test t1");
		await sub.until("info", { asked: true, track: "t1", timescale: 90000, latencyMax: 4000, priority: 7, ordered: true });
	});
});

scenario("many frames, and an empty group", async (o) => {
	// A peer of the package gives up on a group of more than 1,024 frames that it has not read.
	const publish = ["--groups", "3", "--frames", "1000", "--size", "0,10", "--big-group", "1", "--big-frames", "0", "--finish", "never"];
	await o.pair({ publish, subscribe: ["--tracks", "1", "--expect", "3", "--detail", "group"] }, async (_, sub) => {
		o.same(sub.all("group").map((e) => [e.group, e.frames, e.bytes, e.ok, e.error]).sort((x, y) => x[0] - y[0]), [[0, 1000, 5000, true, null], [1, 0, 0, true, null], [2, 1000, 5000, true, null]], "groups");
	});
});

scenario("the past, and what is not there", async (o) => {
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
				o.same(sub.all(event, { broadcast, track }).map((e) => e.code), [codeFrom(pub.kind, NOT_FOUND)], `${event} of ${broadcast} ${track}`);
			}
		}
		o.whole(sub, { track: "t0" }, [109], 3);
		o.whole(sub, { track: "t1" }, [103, 104, 105, 106], 3);
	});
});

scenario("an update of the subscription", async (o) => {
	const publish = ["--groups", "0", "--rate", "40"];
	await o.pair({ publish, subscribe: ["--tracks", "1", "--priority", "3", "--max-latency", "700", "--end", "4"] }, async (pub, sub) => {
		await sub.until("group", { group: 4 });
		await pub.until("group-written", { group: 9 });
		o.expect(sub.all("group").every((e) => e.group <= 4), "groups beyond the end");
		sub.say("update test t0 priority=9 ordered=true latencyMax=100 endGroup=14");
		await sub.until("group", { group: 14 });
		await pub.until("group-written", { group: 19 });
		o.expect(sub.all("group").every((e) => e.group <= 14), "groups beyond the end that was raised");
		sub.say("unsubscribe test t0");
		await sub.until("track-end", { error: null });
		await pub.until("demand", { subscription: null });
		o.same(
			pub.all("demand").map((e) => e.subscription && [e.subscription.priority, e.subscription.ordered, e.subscription.latencyMax, e.subscription.endGroup]),
			[[3, false, 700, 4], [9, true, 100, 14], null],
			"what the publisher saw",
		);
		o.whole(sub, { track: "t0" }, upTo(15), 3);
		// Who has left can come again, to the same track.
		sub.say("subscribe test t0");
		await sub.until("group", {}, 18);
	});
});

scenario("tracks on demand", async (o) => {
	await o.pair({ publish: ["--dynamic", "--tracks", "2", "--groups", "3"], cpp: o.way.pub === "c++" ? ["--refuse", "5"] : [], subscribe: ["--tracks", "2", "--until-end"] }, async (pub, sub) => {
		for (const track of ["t0", "t1"]) o.whole(sub, { track }, upTo(3), 3);
		sub.say("subscribe test nope");
		const [end] = await sub.until("track-end", { track: "nope" });
		o.same(end.code, codeFrom(pub.kind, APP + 5), "code of the refusal");
		o.expect(pub.all("request", { track: "nope", known: false }).length > 0, "the request for the unknown one");
	});
});

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
}, fromCpp);

scenario("a group of 5 MB", async (o) => {
	const publish = ["--groups", "3", "--big-group", "1", "--finish", "never", "--latency", "20000"];
	await o.pair({ publish, subscribe: ["--tracks", "1", "--expect", "3", "--detail", "group"] }, async (_, sub) => {
		o.same(sub.all("group", { group: 1 }).map((e) => [e.bytes, e.ok, e.error]), [[5_000_000, true, null]], "the group");
	});
});

scenario("200 tracks", async (o) => {
	// What serves them has to allow more streams than the package does by itself, see peer.mjs.
	const publish = ["--tracks", "200", "--groups", "1", "--frames", "2", "--finish", "never", "--latency", "20000", "--config", "maxStreamsBidi=1000"];
	await o.pair({ publish, subscribe: ["--tracks", "200", "--expect", "1", "--detail", "group"] }, async (_, sub) => {
		for (const i of upTo(200)) o.whole(sub, { track: `t${i}` }, [0], 2);
	});
});

scenario("small windows", async (o) => {
	const publish = ["--tracks", "4", "--groups", "8", "--size", "9000", "--finish", "never", "--latency", "20000"];
	const subscribe = ["--tracks", "4", "--expect", "8", "--detail", "group", "--config", "maxData=20000", "--config", "maxStreamDataUni=5000", "--config", "maxStreamsUni=3"];
	await o.pair({ publish, subscribe }, async (_, sub) => {
		for (const i of upTo(4)) o.whole(sub, { track: `t${i}` }, upTo(8), 3);
	});
});

scenario("aborted groups and tracks", async (o) => {
	const publish = ["--groups", "4", "--frames", "4", "--frame-gap", "20", "--abort-group", "2", "--finish", "abort"];
	await o.pair({ publish, subscribe: ["--tracks", "1"] }, async (pub, sub) => {
		const [end] = await sub.until("track-end");
		o.same([end.error !== null, end.code], [true, codeFrom(pub.kind, APP + 9)], "end of the track");
		const groups = sub.all("group");
		o.same(groups.filter((e) => e.error === null && e.ok && e.frames === 4).map((e) => e.group).sort(), [0, 1, 3], "whole groups");
		// An abort takes away what has not been read by then.
		o.same(groups.filter((e) => e.error !== null).map((e) => [e.group, e.frames <= 2, e.ok, e.code]), [[2, true, true, codeFrom(pub.kind, APP + 7)]], "the group that was cut");
	});
});

scenario("silence", async (o) => {
	// Only pings keep it: each side sends some after a third of the idle time of the other.
	await o.pair({ publish: ["--groups", "1", "--finish", "never"], subscribe: ["--tracks", "1", "--expect", "1"], js: ["--config", "maxIdleTimeout=1500"] }, async (pub, sub) => {
		await sleep(3500);
		o.same([...pub.all("closed"), ...sub.all("closed")], [], "who has left");
		sub.say("info test t0");
		await sub.until("info", { asked: true });
	});
});

async function killed(o, victim) {
	const { pub, sub, server } = o.way;
	const args = { pub: ["--groups", "0", "--frames", "100", "--frame-gap", "20"], sub: ["--tracks", "1"] };
	const roles = { pub: "publish", sub: "subscribe" };
	const kinds = { pub, sub };
	const client = server === "pub" ? "sub" : "pub";
	const peers = {};
	peers[server] = o.peer(kinds[server], roles[server], ["serve", roles[server], "--stdin", ...args[server]]);
	const [{ url }] = await peers[server].until("listening");
	peers[client] = o.peer(kinds[client], roles[client], [roles[client], url, "--qmux", o.qmux, "--stdin", ...args[client]]);
	await peers.sub.until("frame", { frame: 3 });
	peers[victim].kill();
	const survivor = peers[victim === "pub" ? "sub" : "pub"];
	const [end] = await survivor.until("closed");
	o.expect(end.error !== null && !end.ours, `a lost session closes with an error: ${JSON.stringify(end)}`);
	if (victim === "pub") {
		const [group] = await survivor.until("group");
		const [track] = await survivor.until("track-end");
		o.expect(group.ok && group.frames >= 3, `the group that was cut: ${JSON.stringify(group)}`);
		// For the package everything is whole that ends with the connection.
		if (survivor.kind === "c++") o.expect(group.error !== null && track.error !== null, `an error: ${JSON.stringify([group, track])}`);
	}
	await survivor.exit;
}
scenario("the publisher is killed in a group", (o) => killed(o, "pub"));
scenario("the subscriber is killed in a group", (o) => killed(o, "sub"));

scenario("one of three is killed, the others go on", async (o) => {
	const listens = o.way.server === "pub" ? "publish" : "subscribe";
	const visits = o.way.server === "pub" ? "subscribe" : "publish";
	const args = { publish: ["--groups", "0", "--rate", "30"], subscribe: ["--tracks", "1", "--detail", "group"] };
	const server = o.peer("c++", "server", ["serve", listens, "--sessions", "3", ...args[listens], "--stay"]);
	const [{ url }] = await server.until("listening");
	const clients = upTo(3).map((i) => o.client("js", visits, url, args[visits], `client ${i}`));
	// Each has got some groups, or seen them off.
	const seen = visits === "subscribe" ? "group" : "group-written";
	await Promise.all(clients.map((client) => client.until(seen, {}, 3)));
	if (visits === "publish") await server.until("group", {}, 9);
	clients[1].kill();
	await server.until("closed");
	const rest = visits === "subscribe" ? [clients[0], clients[2]] : [server];
	await Promise.all(rest.map((reader) => reader.until("group", { error: null }, reader.all("group", { error: null }).length + 10)));
	o.same([...clients[0].all("closed"), ...clients[2].all("closed")], [], "who else has left");
	await o.goodbye(clients[0], clients[2]);
	await server.exit;
	o.same(server.all("closed").map((e) => e.error === null).sort(), [false, true, true], "ends of the sessions");
}, cppListens);

scenario("what both speak", async (o) => {
	// The server takes one draft only. The package as it is offers 27 names, among them that one.
	const listens = o.way.server === "pub" ? "publish" : "subscribe";
	const visits = o.way.server === "pub" ? "subscribe" : "publish";
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
	for (const peer of [server, right]) o.same(peer.all("connected").map((e) => e.protocol), [`${o.qmux}.moq-lite-05`], "what they speak");
});

// ---- scenarios without a way

const alone = {};

alone["c++ on both sides, over TCP"] = async (o) => {
	const server = o.peer("c++", "publish", ["serve", "publish", "--tcp", "--qmux", o.qmux, "--stdin", "--tracks", "3", "--groups", "6", "--big-group", "2", "--big-size", "1500000", "--latency", "20000"]);
	const [{ url }] = await server.until("listening");
	o.expect(url.startsWith("tcp://"), `the URL: ${url}`);
	const client = o.client("c++", "subscribe", url, ["--tracks", "3", "--announced", "-", "--await", "--until-end", "--detail", "group"]);
	await client.until("steps-done");
	for (const track of ["t0", "t1", "t2"]) o.same(client.all("group", { track }).map((e) => [e.ok, e.error]), upTo(6).map(() => [true, null]), track);
	await o.goodbye(client, server);
};

// ---- scenarios with a relay between peers

const relayed = {};

relayed["several viewers, one late"] = async (o) => {
	const relay = o.relay("relay", "--listen", "tcp://127.0.0.1:0");
	const url = await relay.url();
	const pub = o.client("js", "publish", url, ["--groups", "0", "--rate", "20", "--broadcast", "room/a", "--info-priority", "4", "--latency", "3000", "--timescale", "48000"]);
	const early = upTo(2).map((i) => o.client("js", "subscribe", url, ["--announced", "-", "--broadcast", "room/a", "--await", "--tracks", "1"], `viewer ${i}`));
	await Promise.all(early.map((viewer) => viewer.until("group", {}, 8)));
	const late = o.client("js", "subscribe", url, ["--broadcast", "room/a", "--tracks", "1"], "the late one");
	const views = [...early, late];
	if (options.peer) views.push(o.peer("c++", "c++ over TCP", ["subscribe", await relay.url("tcp"), "--stdin", "--broadcast", "room/a", "--tracks", "1"]));
	await Promise.all(views.map((viewer) => viewer.until("group", {}, 8)));
	o.expect(Math.min(...late.all("group").map((e) => e.group)) >= 6, "the late one begins at the live edge");
	for (const viewer of views) {
		o.expect(viewer.all("group").every((e) => e.ok && e.error === null && e.frames === 3), `groups of ${viewer.name}`);
		o.same(viewer.all("info").map((e) => [e.timescale, e.latencyMax, e.priority, e.ordered]), [[48000, 3000, 4, false]], "info");
	}
	o.expect(pub.all("demand", {}).filter((e) => e.subscription).length === 1, "the publisher is asked once");
	pub.say("unannounce room/a");
	await Promise.all(early.map((viewer) => viewer.until("unannounce", { broadcast: "room/a" })));
	await o.goodbye(...views, pub);
};

relayed["two relays, announced and on demand"] = async (o) => {
	// Somebody makes broadcasts for whoever asks, and announces none of them: relay A asks him, relay B asks A.
	const maker = options.peer && o.peer("c++", "maker", ["serve", "publish", "--qmux", o.qmux, "--no-announce", "--on-demand", "made", "--dynamic", "--tracks", "1", "--groups", "3", "--stdin", "--linger", "1000"]);
	const a = o.relay("relay A", ...(maker ? ["--upstream", (await maker.until("listening"))[0].url] : []));
	const url = await a.url();
	const b = o.relay("relay B", "--upstream", url);
	const edge = await b.url();
	const pub = o.client("js", "publish", url, ["--broadcast", "room/a", "--groups", "4", "--begin", "demand", "--linger", "1000"]);
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
	if (maker) o.same(maker.all("broadcast-request", { known: true }).map((e) => e.broadcast), ["made/for/us"], "what the maker was asked");
	await o.goodbye(...viewers, pub);
};

relayed["an upstream of the package"] = async (o) => {
	// The relay is a client here, of a server that is made of the package.
	const server = o.peer("js", "upstream", ["serve", "publish", "--qmux", o.qmux, "--broadcast", "up/a", "--groups", "5", "--linger", "1000", "--stdin"]);
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
};

relayed["unknown paths and tracks"] = async (o) => {
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
	for (const broadcast of ["room/b", "room", "room/a/b"]) {
		o.same([...viewer.all("track-end", { broadcast }), ...viewer.all("fetch-error", { broadcast })].map((e) => e.code), [NOT_FOUND, NOT_FOUND], broadcast);
	}
	// The package refused it, by 0, and that is passed on.
	o.same([...viewer.all("track-end", { track: "nope" }), ...viewer.all("fetch-error", { track: "nope" })].map((e) => e.code), [0, 0], "the unknown track");
	o.whole(viewer, { broadcast: "room/a", track: "t0" }, [0], 3);
	await o.goodbye(viewer, pub);
};

relayed["the publisher is killed"] = async (o) => {
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
	const heir = o.client("js", "publish", url, ["--broadcast", "room/a", "--groups", "5", "--linger", "1500"], "heir");
	// Both before its track ends: who comes later is refused by the package.
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
};

relayed["paths that are not allowed"] = async (o) => {
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
	o.same([end.code, fetched.code], [6, 6], "what it is refused with");
	await viewer.until("announce", { prefix: "", broadcast: "room/a" });
	const count = viewer.all("group", { broadcast: "room/a" }).length;
	await viewer.until("group", { broadcast: "room/a", error: null }, count + 5);
	o.same(viewer.all("announce", { broadcast: "other/a" }), [], "what is not allowed is not announced");
	await o.goodbye(viewer, pub);
};

// ---- all of them

function title(name, qmux, way) {
	if (!way) return `${qmux}  ${name}`;
	const side = (role) => (way.server === role ? `[${way[role]}]` : way[role]);
	return `${qmux}  ${name}: ${side("pub")} -> ${side("sub")}`;
}

// `turn` has neighbours, and the ways of a scenario, in different drafts by turns.
const kinds = [];
if (options.peer) {
	Object.entries(between).forEach(([name, { work, ways }], i) => ways.forEach((way, j) => kinds.push({ name, way, work, turn: i + j })));
	Object.entries(alone).forEach(([name, work], i) => kinds.push({ name, work, turn: i }));
}
if (options.relay) Object.entries(relayed).forEach(([name, work], i) => kinds.push({ name: `relay: ${name}`, work, turn: i }));
const all = DRAFTS.flatMap((qmux, draft) =>
	kinds.filter(({ turn }) => !options.quick || turn % DRAFTS.length === draft).map(({ name, way, work }) => ({ title: title(name, qmux, way), qmux, way, work })),
);
let pattern;
try {
	pattern = new RegExp(options.only);
} catch (err) {
	usage(err.message);
}
const chosen = all.filter((one) => pattern.test(one.title));
if (options.list) {
	for (const one of chosen) console.log(one.title);
	process.exit(0);
}
if (chosen.length === 0) usage("there is nothing to run");

async function perform({ title, qmux, way, work }) {
	const run = new Run({ qmux, way });
	const began = Date.now();
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not over after ${LIMIT} ms`)), LIMIT);
	});
	try {
		await Promise.race([work(run), late]);
		// A relay ends when it is told to, and its exit code says how.
		for (const relay of run.processes.filter((one) => one.kind === "relay")) {
			relay.stop();
			await Promise.race([relay.exit, late]);
			run.same(relay.code, 0, `exit code of ${relay.name}`);
		}
	} catch (err) {
		run.faults.push(err.message);
	}
	clearTimeout(timer);
	for (const process of run.processes) if (process.code === undefined) process.kill();
	await Promise.all(run.processes.map((process) => process.exit));
	run.inspect();
	const well = run.faults.length === 0;
	console.log(`${well ? "ok    " : "FAILED"} ${title} (${Date.now() - began} ms)`);
	for (const fault of run.faults) console.log(`       ${fault}`);
	if (!well) for (const process of run.processes) console.log(process.text());
	if (options.logs) {
		mkdirSync(options.logs, { recursive: true });
		writeFileSync(join(options.logs, `${title.replace(/[^\w-]+/g, "_")}.log`), run.processes.map((process) => process.whole()).join("\n"));
	}
	return well;
}

const jobs = Number(options.jobs);
if (!(jobs >= 1)) usage("--jobs wants a number");
const began = Date.now();
const waiting = [...chosen];
const failed = [];
await Promise.all(
	upTo(jobs).map(async () => {
		for (let one = waiting.shift(); one; one = waiting.shift()) {
			if (!(await perform(one))) failed.push(one.title);
		}
	}),
);
console.log(`${chosen.length - failed.length} passed, ${failed.length} failed, ${Math.round((Date.now() - began) / 1000)} s`);
for (const title of failed) console.log(`FAILED ${title}`);
process.exit(failed.length === 0 ? 0 : 1);
