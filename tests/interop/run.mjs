#!/usr/bin/env node
// The library and the stock package @moq/net, each in every role against the other one, in both drafts of qmux; and the relay
// between peers of the package.
//
//   node run.mjs [--peer PROGRAM] [--relay PROGRAM] [--only REGEX] [--list] [--quick] [--jobs N] [--logs DIR]
//
//   --peer PROGRAM    comoq_interop_peer; scenarios that need it are left out if it is not given
//   --relay PROGRAM   the relay of the examples; likewise
//   --only REGEX      the scenarios whose title matches
//   --list            prints the titles and runs nothing
//   --quick           each pair in one draft only, by turns, and not in both
//   --jobs N          this many scenarios at a time (default: one more than there are processors, four at most)
//   --logs DIR        writes there the whole output of the processes of each scenario
//
// A title names the publisher and the subscriber: [brackets] are around the side that listens. Exit code: 0 all went well,
// 1 not, 2 usage.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { upTo } from "./lib/range.mjs";
import { usage } from "./lib/usage.mjs";
import { allScenarios } from "./scenarios/all.mjs";
import { perform } from "./scenarios/perform.mjs";

const PATIENT = /silence/;

let options;
let only;
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
	only = new RegExp(options.only);
} catch (err) {
	usage(err.message);
}
const { peer, relay } = options;
for (const [name, program] of Object.entries({ peer, relay })) {
	if (program !== undefined && !existsSync(program)) usage(`--${name}: there is no ${program}`);
}

const chosen = allScenarios({ peer, relay }, options.quick).filter((one) => only.test(one.title));
if (options.list) {
	for (const one of chosen) console.log(one.title);
	process.exit(0);
}
if (chosen.length === 0) usage("there is nothing to run");
const jobs = Number(options.jobs);
if (!(jobs >= 1)) usage("--jobs wants a number");

const began = Date.now();
const failed = [];
async function lane(waiting) {
	for (let one = waiting.shift(); one; one = waiting.shift()) {
		if (!(await perform(one, { peer, relay }, options.logs))) failed.push(one.title);
	}
}
// Two of those that do nothing for a long time run beside the others.
const patient = chosen.filter(({ title }) => PATIENT.test(title));
const busy = chosen.filter(({ title }) => !PATIENT.test(title));
await Promise.all([...upTo(jobs).map(() => lane(busy)), ...upTo(2).map(() => lane(patient))]);
console.log(`${chosen.length - failed.length} passed, ${failed.length} failed, ${Math.round((Date.now() - began) / 1000)} s`);
for (const title of failed) console.log(`FAILED ${title}`);
process.exit(failed.length === 0 ? 0 : 1);
