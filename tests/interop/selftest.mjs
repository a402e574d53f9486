// Runs the peers against each other, each feature in both directions and with both drafts of qmux.
// Exit code 1 after a failure. Usage: node selftest.mjs [PART OF A NAME] [--keep] (--keep prints the events of all runs)
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { payload, sha256 } from "./lib/payload.mjs";

const PEER = fileURLToPath(new URL("./peer.mjs", import.meta.url));
const keep = process.argv.includes("--keep");
const filter = process.argv.slice(2).find((arg) => !arg.startsWith("--")) ?? "";

function start(args, input) {
	const child = spawn(process.execPath, [PEER, ...args], { stdio: ["pipe", "pipe", "inherit"] });
	const events = [];
	const waiting = new Set();
	createInterface({ input: child.stdout }).on("line", (line) => {
		events.push(JSON.parse(line));
		for (const check of waiting) check();
	});
	if (input !== undefined) child.stdin.end(input);
	const exit = new Promise((resolve) => child.on("close", (code) => resolve(code)));
	const guard = setTimeout(() => child.kill("SIGKILL"), 60000);
	void exit.then(() => {
		clearTimeout(guard);
		for (const check of waiting) check();
	});
	return {
		events,
		exit,
		stop: () => child.kill("SIGTERM"),
		kill: () => child.kill("SIGKILL"),
		all: (event, fields = {}) => events.filter((e) => e.event === event && Object.entries(fields).every(([k, v]) => e[k] === v)),
		until(event) {
			return new Promise((resolve, reject) => {
				const check = () => {
					const found = events.find((e) => e.event === event);
					if (!found && child.exitCode === null && child.signalCode === null) return;
					waiting.delete(check);
					found ? resolve(found) : reject(new Error(`the peer left without ${event}`));
				};
				waiting.add(check);
				check();
			});
		},
	};
}

let faults;
function expect(truth, what) {
	if (!truth) faults.push(what);
}
function same(got, want, what) {
	expect(JSON.stringify(got) === JSON.stringify(want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

// One session between a publisher and a subscriber; `way` says which of the two is the server.
async function pair({ qmux, way, publish = [], subscribe = [], input, more }) {
	const server = way === "subscribe" ? ["serve", "publish", ...publish, "--stay"] : ["serve", "subscribe", ...subscribe];
	const a = start([...server, "--qmux", "any"]);
	const { url } = await a.until("listening");
	const client = way === "subscribe" ? ["subscribe", url, ...subscribe] : ["publish", url, ...publish];
	const b = start([...client, "--qmux", qmux], input);
	const pub = way === "subscribe" ? a : b;
	const sub = way === "subscribe" ? b : a;
	await more?.(pub, sub);
	const subExit = await sub.exit;
	setTimeout(() => pub.stop(), 500);
	const pubExit = await pub.exit;
	if (keep) for (const e of [...a.events, ...b.events]) console.log(JSON.stringify(e));
	same(subExit, 0, "exit of the subscriber");
	same(pubExit, 0, "exit of the publisher");
	const protocol = qmux === "stock" || qmux === "any" ? "qmux-02" : qmux;
	for (const peer of [pub, sub]) {
		same(peer.all("connected").map((e) => e.protocol), [`${protocol}.moq-lite-05`], "protocol");
		same(peer.all("unhandled"), [], "unhandled rejections");
		same(peer.all("fault"), [], "faults");
	}
	return { pub, sub };
}

function whole(sub, track, sequences, frames, fields = {}) {
	const groups = sub.all("group", { track, ...fields });
	same(groups.map((g) => g.group).sort((x, y) => x - y), sequences, `groups of ${track}`);
	for (const g of groups) {
		expect(g.ok && g.error === null && g.frames === frames, `group ${track}/${g.group} is not whole: ${JSON.stringify(g).slice(0, 200)}`);
		same(g.sha256, g.sha256.map((_, i) => sha256(payload("comoq", track, g.group, i, g.bytes / g.frames))), `hashes of ${track}/${g.group}`);
	}
}
const upTo = (n) => [...Array(n).keys()];

const scenarios = {
	async basic(o) {
		const { sub } = await pair({
			...o,
			publish: ["--tracks", "2", "--groups", "5", "--frames", "4", "--info-priority", "7", "--info-ordered", "--latency", "4000", "--timescale", "90000", "--step", "3000"],
			subscribe: ["--announced", "-", "--await", "--tracks", "2", "--until-end"],
		});
		same(sub.all("announce").map((e) => e.broadcast), ["test"], "announcements");
		for (const track of ["t0", "t1"]) {
			whole(sub, track, upTo(5), 4);
			const [info] = sub.all("info", { track });
			same([info?.timescale, info?.latencyMax, info?.priority, info?.ordered], [90000, 4000, 7, true], "info");
			same(sub.all("group", { track })[1]?.timestamps, [12000, 15000, 18000, 21000], "timestamps");
			same(sub.all("track-end", { track }).map((e) => e.error), [null], "end");
		}
	},
	async reorder(o) {
		const { sub } = await pair({ ...o, publish: ["--groups", "2", "--frames", "4", "--reorder"], subscribe: ["--tracks", "1", "--until-end"] });
		same(sub.all("group", { group: 0 })[0]?.timestamps, [20, 0, 60, 40], "timestamps");
	},
	async sizes(o) {
		const { sub } = await pair({ ...o, publish: ["--groups", "2", "--frames", "6", "--size", "0,1,63,64,16384,70000"], subscribe: ["--tracks", "1", "--until-end"] });
		same(sub.all("frame", { group: 0 }).map((e) => e.size), [0, 1, 63, 64, 16384, 70000], "sizes");
		expect(sub.all("frame").every((e) => e.ok), "payloads");
	},
	async big(o) {
		const { sub } = await pair({
			...o,
			publish: ["--groups", "3", "--big-group", "1", "--finish", "never"],
			subscribe: ["--tracks", "1", "--expect", "3", "--detail", "group"],
		});
		const [big] = sub.all("group", { group: 1 });
		same([big?.bytes, big?.ok, big?.error], [5000000, true, null], "the big group");
	},
	async many(o) {
		// With the default limit of 100 bidirectional streams some 70 tracks are the most, see the notes in peer.mjs.
		if (o.qmux === "stock") return;
		const { sub } = await pair({
			...o,
			publish: ["--tracks", "200", "--groups", "3", "--finish", "never", "--config", "maxStreamsBidi=1000"],
			subscribe: ["--tracks", "200", "--expect", "3", "--detail", "group"],
		});
		for (const i of upTo(200)) whole(sub, `t${i}`, upTo(3), 3);
	},
	async unannounce(o) {
		const { sub } = await pair({
			...o,
			publish: ["--broadcast", "a/b", "--broadcast", "a/c", "--broadcast", "ab/d", "--do", "wait 300", "--do", "unannounce a/b", "--do", "wait 200", "--do", "announce a/b", "--do", "announce a"],
			subscribe: ["--announced", "a", "--do", "watch a/c", "--do", "await announce broadcast=a", "--do", "await online broadcast=a/c"],
		});
		const seen = sub.events.filter((e) => ["announce", "unannounce"].includes(e.event)).map((e) => `${e.event} ${e.broadcast}|${e.suffix}`);
		same(seen.slice(0, 2).sort(), ["announce a/b|b", "announce a/c|c"], "initial set");
		same(seen.slice(2), ["unannounce a/b|b", "announce a/b|b", "announce a|"], "changes");
	},
	async unannounced(o) {
		// By name, whether announced or not: served as long as it is published, refused otherwise.
		const { sub } = await pair({
			...o,
			publish: ["--broadcast", "here", "--groups", "1"],
			subscribe: ["--do", "wait 100", "--do", "subscribe here t0", "--do", "subscribe gone t0", "--do", "subscribe here nope", "--do", "info gone t0", "--do", "info here nope", "--do", "fetch gone t0 0", "--do", "await group broadcast=here", "--do", "await track-end x2"],
		});
		whole(sub, "t0", [0], 3, { broadcast: "here" });
		for (const [broadcast, track] of [["gone", "t0"], ["here", "nope"]]) {
			same(sub.all("track-end", { broadcast, track }).map((e) => [e.error, e.code]), [["remote error: 0", 0]], `end of ${broadcast} ${track}`);
			same(sub.all("info-error", { broadcast, track }).length, 1, `info of ${broadcast} ${track}`);
		}
		same(sub.all("fetch-error", { broadcast: "gone" }).length, 1, "fetch of an unknown broadcast");
	},
	async update(o) {
		const { pub, sub } = await pair({
			...o,
			publish: ["--groups", "40", "--rate", "40"],
			subscribe: ["--tracks", "1", "--priority", "3", "--max-latency", "700", "--do", "await group x2", "--do", "update test t0 priority=9 ordered=true latencyMax=100", "--do", "await group x10", "--do", "update test t0 endGroup=20", "--do", "wait 200", "--do", "unsubscribe test t0", "--do", "await track-end"],
		});
		same(
			pub.all("demand", { track: "t0" }).map((e) => e.subscription && [e.subscription.priority, e.subscription.ordered, e.subscription.latencyMax, e.subscription.endGroup ?? null]),
			[[3, false, 700, null], [9, true, 100, null], [9, true, 100, 20], null],
			"what the publisher saw",
		);
		expect(sub.all("group").every((e) => e.group <= 20), "groups beyond the end");
	},
	async range(o) {
		const { sub } = await pair({
			...o,
			publish: ["--groups", "20", "--begin", "now", "--finish", "never", "--first-group", "100"],
			subscribe: ["--do", "wait 300", "--do", "subscribe test t0 startGroup=105 endGroup=108", "--do", "await group x4", "--do", "wait 100"],
		});
		whole(sub, "t0", [105, 106, 107, 108], 3);
	},
	async late(o) {
		const { sub } = await pair({
			...o,
			publish: ["--groups", "10", "--begin", "now", "--rate", "100", "--finish", "never"],
			subscribe: ["--do", "wait 500", "--do", "subscribe test t0", "--do", "await group", "--do", "wait 100"],
		});
		whole(sub, "t0", [9], 3);
	},
	async fetch(o) {
		const { sub } = await pair({
			...o,
			publish: ["--groups", "10", "--begin", "now", "--finish", "never"],
			subscribe: ["--do", "wait 300", "--do", "fetch test t0 4", "--do", "fetch test t0 9 priority=5", "--do", "subscribe test t0", "--do", "await group", "--do", "fetch test t0 0", "--do", "fetch test nope 0"],
		});
		same(sub.all("fetch").map((e) => [e.group, e.frames, e.ok, e.error]), [[4, 3, true, null], [9, 3, true, null], [0, 3, true, null]], "fetches");
		same(sub.all("fetch-error").map((e) => e.track), ["nope"], "refused");
	},
	async abort(o) {
		const { sub } = await pair({
			...o,
			publish: ["--groups", "4", "--frames", "4", "--frame-gap", "20", "--abort-group", "2", "--finish", "never"],
			subscribe: ["--tracks", "1", "--expect", "4"],
		});
		const [torn] = sub.all("group", { group: 2 });
		same([torn?.frames, torn?.error, torn?.code], [2, "remote error: 0", 0], "the reset group");
		same(sub.all("group").filter((e) => e.error === null && e.frames === 4).map((e) => e.group).sort(), [0, 1, 3], "the others");
	},
	async dynamic(o) {
		const { pub, sub } = await pair({ ...o, publish: ["--dynamic", "--tracks", "2", "--groups", "3"], subscribe: ["--tracks", "2", "--until-end"] });
		for (const track of ["t0", "t1"]) whole(sub, track, upTo(3), 3);
		same(pub.all("request").map((e) => e.known), [true, true, true, true], "requests (TRACK and SUBSCRIBE each make one)");
	},
	async stdin(o) {
		if (o.way !== "subscribe") return;
		const { sub } = await pair({
			...o,
			publish: ["--groups", "2"],
			subscribe: ["--stdin"],
			input: "announced -\nawait announce\nsubscribe test t0\nawait group x2\nnonsense\nquit\n",
		});
		whole(sub, "t0", [0, 1], 3);
		same(sub.all("command-error").length, 1, "command errors");
	},
	async lost(o) {
		// A peer that leaves without a close.
		const a = start(["serve", "publish", "--stay", "--qmux", "any"]);
		const { url } = await a.until("listening");
		const b = start(["subscribe", url, "--qmux", o.qmux, "--tracks", "1", "--do", "wait 20000"]);
		await b.until("group");
		(o.way === "subscribe" ? a : b).kill();
		const survivor = o.way === "subscribe" ? b : a;
		const end = await survivor.until("closed");
		expect(end.error !== null && !end.ours, `a lost session must close with an error: ${JSON.stringify(end)}`);
		await survivor.exit;
	},
	async config(o) {
		// Small windows everywhere; the data still has to come through.
		if (o.qmux === "stock") return;
		const { sub } = await pair({
			...o,
			publish: ["--groups", "8", "--size", "9000", "--finish", "never", "--tracks", "4"],
			subscribe: ["--tracks", "4", "--expect", "8", "--detail", "group", "--config", "maxData=20000", "--config", "maxStreamDataUni=5000", "--config", "maxStreamsUni=3"],
		});
		for (const i of upTo(4)) whole(sub, `t${i}`, upTo(8), 3);
	},
};

let failed = 0;
for (const [name, scenario] of Object.entries(scenarios)) {
	for (const qmux of ["qmux-02", "qmux-01", "stock"]) {
		for (const way of ["subscribe", "publish"]) {
			const title = `${name} ${qmux} ${way}`;
			if (!title.includes(filter) || (qmux === "stock" && name !== "basic")) continue;
			faults = [];
			const began = Date.now();
			try {
				await scenario({ qmux, way });
			} catch (err) {
				faults.push(err.stack);
			}
			console.log(`${faults.length === 0 ? "ok  " : "FAIL"} ${title} (${Date.now() - began} ms)`);
			for (const fault of faults) console.log(`       ${fault}`);
			if (faults.length > 0) failed++;
		}
	}
}
console.log(failed === 0 ? "all fine" : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
