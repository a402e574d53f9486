#!/usr/bin/env node
// The catalogs of comoq::hang and the reader of @moq/hang (the one of @moq/watch 0.4.6).
//
//   node catalogs.mjs --program comoq_interop_catalogs --player DIR [--count N] [--seed S]
//
// DIR is player/, with its packages. Random catalogs both ways:
//   theirs reads each catalog that ours writes, and finds in it what stands there;
//   ours reads each catalog that theirs accepts, also those of before renditions had names, and what it writes again is the same to theirs;
//   ours refuses what theirs refuses, but for what LENIENT says.
//
// Exit code: 0 all went well, 1 not, 2 usage.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { usage } from "./lib/usage.mjs";

let options;
try {
	const text = { type: "string" };
	options = parseArgs({ options: { program: text, player: text, count: { type: "string", default: "2000" }, seed: text } }).values;
} catch (err) {
	usage(err.message);
}
for (const name of ["program", "player"]) if (!options[name]) usage(`--${name} is missing`);
const require = createRequire(join(resolve(options.player), "package.json"));
const bundle = join(resolve(options.player), "dist", "catalogs.mjs");
// The package is written for bundlers.
if (!existsSync(bundle)) {
	require("esbuild").buildSync({
		stdin: { contents: 'export { RootSchema } from "@moq/hang/catalog";', resolveDir: resolve(options.player) },
		bundle: true,
		format: "esm",
		outfile: bundle,
		logLevel: "warning",
	});
}
const { RootSchema } = await import(bundle);

const seed = options.seed ?? String(Math.floor(Math.random() * 2 ** 32));
const count = Number(options.count);
process.stdout.write(`catalogs: seed ${seed}\n`);
let failures = 0;
function fail(words, ...catalogs) {
	process.stdout.write(`FAIL ${words}\n${catalogs.map((each) => `  ${typeof each === "string" ? each : JSON.stringify(each)}\n`).join("")}`);
	if (++failures === 5) process.exit(1);
}

function run(words, input) {
	const { status, stdout, stderr, error } = spawnSync(options.program, words, { input, encoding: "utf8", maxBuffer: 2 ** 30 });
	if (status !== 0) throw error ?? new Error(`${options.program} ${words}: ${status} ${stderr}`);
	return stdout.split("\n").slice(0, -1);
}
const theirs = (json) => {
	const read = RootSchema.safeParse(json);
	return read.success ? read.data : undefined;
};

// A generator with a seed: mulberry32.
let state = Number(seed) >>> 0;
function random() {
	state = (state + 0x6d2b79f5) >>> 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (bound) => Math.floor(random() * bound);
const one = (...of) => of[below(of.length)];

// What stands there: theirs takes out what it does not know, gives defaults, and keeps an unknown container under another name.
const written = run(["write", seed, String(count)]);
if (written.length !== count) fail(`${written.length} catalogs, and not ${count}`);
for (const line of written) {
	const json = JSON.parse(line);
	const read = theirs(json);
	if (!read) {
		fail("theirs refuses what ours writes", line);
		continue;
	}
	for (const section of ["video", "audio"]) {
		const [before, after] = [json[section]?.renditions ?? {}, read[section]?.renditions ?? {}];
		if (!isDeepStrictEqual(Object.keys(before), Object.keys(after))) fail("other tracks", line, read);
		for (const [name, track] of Object.entries(before)) {
			for (const [member, value] of Object.entries(track)) {
				// What theirs does not know, or writes in another way.
				if (["new", "broadcast", section === "audio" && "optimizeForLatency"].includes(member)) continue;
				let there = after[name][member];
				if (there?.kind === "unknown") there = there.raw;
				if (!isDeepStrictEqual(there, value)) fail(`${section} ${name}: another ${member}`, line, read);
			}
		}
	}
}

// Members of catalogs: the right ones mostly.
const VALUES = {
	codec: ["avc1.64001f", "vp8", "opus", "", 1, null],
	container: [{ kind: "legacy" }, { kind: "loc" }, { kind: "cmaf", init: "Zm9v" }, { kind: "cmaf", init: "" }, { kind: "new", x: 1 }, { kind: "cmaf" }, "loc"],
	description: ["", "0aFF", "0", "zz", 7],
	codedWidth: [1, 4294967295, -1, "1"],
	codedHeight: [0, 360, []],
	displayAspectWidth: [16],
	displayAspectHeight: [9],
	framerate: [30, 29.97, 0, "30"],
	bitrate: [0, 5000000, 9007199254740991, 9007199254740992, -1],
	jitter: [0, 33, 9007199254740991, -5, 1e300, "9"],
	broadcast: ["../other", "./a", "", 4],
	sampleRate: [48000, 44100, -3, undefined],
	numberOfChannels: [2, 1, "2", undefined],
	tomorrow: [{ a: [1] }],
};
const COMMON = ["container", "description", "bitrate", "jitter", "broadcast", "tomorrow"];
// The wrong values stand at the end.
function value(member) {
	const values = VALUES[member];
	const right = Math.max(1, Math.ceil(values.length / 2));
	return values[below(below(40) === 0 ? values.length : right)];
}
function config(members, optional) {
	const made = {};
	for (const member of members) made[member] = value(member);
	for (const member of [...COMMON, ...optional]) if (below(3) === 0) made[member] = value(member);
	return made;
}
const video = () => config(["codec"], ["codedWidth", "codedHeight", "displayAspectWidth", "displayAspectHeight", "framerate"]);
const audio = () => config(["codec", "sampleRate", "numberOfChannels"], []);
const named = (make) => Object.fromEntries(Array.from({ length: below(4) }, (_, i) => [one("video", "a/b", "ü", `t${i}`), make()]));
function catalog() {
	const made = {};
	if (below(4)) {
		made.video = one({ renditions: named(video), rotation: 90 }, { renditions: named(video), display: { width: 16, height: 9 } });
		if (below(5) === 0) made.video = Array.from({ length: below(3) }, (_, i) => ({ track: { name: `v${i}` }, config: video() }));
	}
	if (below(4)) {
		made.audio = { renditions: named(audio) };
		if (below(5) === 0) made.audio = { track: { name: "sound" }, config: audio() };
	}
	if (below(4) === 0) made.chat = { track: "chat", empty: null };
	if (below(60) === 0) made[one("video", "audio")] = one(null, 1, {}, { renditions: [] }, { renditions: 1 }, "x");
	return made;
}

// Null for a section that is not there, as the Rust crates take it.
const LENIENT = (json) => json.video === null || json.audio === null;
const made = Array.from({ length: count }, catalog);
const answers = run(["read"], made.map((each) => `${JSON.stringify(each)}\n`).join(""));
if (answers.length !== count) fail(`${answers.length} answers, and not ${count}`);
let accepted = 0;
for (const [i, line] of answers.entries()) {
	const read = theirs(JSON.parse(JSON.stringify(made[i])));
	const is_refused = line.startsWith("!");
	if (!read) {
		if (!is_refused && !LENIENT(made[i])) fail("ours takes what theirs refuses", made[i], line);
		continue;
	}
	++accepted;
	if (is_refused) {
		fail("ours refuses what theirs takes", made[i], line);
		continue;
	}
	const again = theirs(JSON.parse(line));
	// A section without a track may go.
	for (const each of [read, again ?? {}]) {
		for (const section of ["video", "audio"]) {
			for (const [member, value] of Object.entries(each[section] ?? {})) if (value === undefined) delete each[section][member];
			const { renditions, ...others } = each[section] ?? {};
			if (renditions && Object.keys(renditions).length + Object.keys(others).length === 0) delete each[section];
			for (const track of Object.values(renditions ?? {})) {
				if (track.description !== undefined) track.description = track.description.toLowerCase();
			}
		}
	}
	if (!isDeepStrictEqual(again, read)) fail("what ours writes again is another catalog", made[i], line, read, again);
}
if (accepted < count / 4 || accepted > (count * 99) / 100) fail(`theirs accepts ${accepted} of ${count}: the catalogs say little`);

process.stdout.write(failures === 0 ? `ok   ${count} catalogs of ours, ${accepted} that theirs accepts and ${count - accepted} others\n` : `${failures} failed\n`);
process.exit(failures === 0 ? 0 : 1);
