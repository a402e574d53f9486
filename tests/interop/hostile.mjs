#!/usr/bin/env node
// Hostile peers, over real sockets, against the relay of the examples, while a well-behaved publisher and subscriber
// (peer.mjs) run beside them and must not notice.
//
//   node hostile.mjs --relay PROGRAM [--only REGEX] [--list] [--seed N] [--late MS] [--floor MS]
//
//   --relay PROGRAM   the relay; one with AddressSanitizer has wider bounds of memory
//   --only REGEX      the attacks whose title matches
//   --list            prints the titles and runs nothing
//   --seed N          of the random choices (default: from the clock; it is printed)
//   --late MS         a group may reach the subscriber this much later than the fastest one (default 2000, twice that with
//                     AddressSanitizer), and later still by twice the delay in a relay that nobody attacks, which runs beside
//                     them: a machine can have other things to do. A room that was late is played again, up to twice
//   --floor MS        the time that 99 of 100 groups may take to nine viewers, if it is more than twice their time
//                     without an attack (default 150, with AddressSanitizer 3000); as many times longer as the relay had to
//                     wait longer than usual for processors (the slowness that is printed; 2 is usual)
//
// The attacks are in rooms: each has a relay and bystanders of its own, and its attacks run side by side. A room goes well if
// each attacker gets the end that it should, every group of the bystanders arrives whole and in time, nine more viewers get
// theirs nearly as soon as ever, a client that comes afterwards is served, the relay's memory (VmRSS, looked at ten times a
// second) has grown by no more than the room's bound, and the relay leaves with 0 when it is asked to, with no report of a
// sanitizer. Exit code: 0 all went well, 1 not, 2 usage.
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { closeAll } from "./hostile/peer.mjs";
import { play } from "./hostile/play.mjs";
import { Room } from "./hostile/room.mjs";
import { announcements } from "./hostile/rooms/announcements.mjs";
import { limits } from "./hostile/rooms/limits.mjs";
import { floods } from "./hostile/rooms/floods.mjs";
import { media } from "./hostile/rooms/media.mjs";
import { moqtRoom } from "./hostile/rooms/moqt.mjs";
import { random } from "./hostile/rooms/random.mjs";
import { requests } from "./hostile/rooms/requests.mjs";
import { rules } from "./hostile/rooms/rules.mjs";
import { through } from "./hostile/rooms/through.mjs";
import { usage } from "./lib/usage.mjs";

const LIMIT_OF_ALL = 900_000;

let options;
let only;
try {
	options = parseArgs({
		options: {
			relay: { type: "string" },
			only: { type: "string", default: "" },
			list: { type: "boolean", default: false },
			seed: { type: "string", default: String(Date.now() % 1_000_000) },
			late: { type: "string" },
			floor: { type: "string" },
		},
	}).values;
	only = new RegExp(options.only);
} catch (err) {
	usage(err.message);
}
if (!options.list && !existsSync(options.relay ?? "")) usage(`--relay: there is no ${options.relay}`);
for (const name of ["seed", "late", "floor"]) {
	if (options[name] !== undefined && !/^\d+$/.test(options[name])) usage(`--${name} wants a number`);
}

const rooms = [rules, floods, requests, through, announcements, media, limits, moqtRoom, random];
for (const r of rooms) r.attacks = r.attacks.filter(({ title }) => only.test(title));
const wanted = rooms.filter((r) => r.attacks.length > 0);
if (options.list) {
	for (const r of wanted) for (const { title } of r.attacks) process.stdout.write(`${title}\n`);
	process.exit(0);
}
if (wanted.length === 0) usage("--only matches nothing");

const began = performance.now();
const sanitized = readFileSync(options.relay).includes("__asan_init");
const settings = { relay: options.relay, seed: Number(options.seed), late: Number(options.late ?? (sanitized ? 4000 : 2000)), sanitized, began, floor: Number(options.floor ?? (sanitized ? 3000 : 150)) };
let done = 0;
let failed = 0;
// A room that was late has not gone wrong yet.
function report(how, title, text) {
	if (how !== "late") done++;
	if (how === "FAIL") failed++;
	process.stdout.write(`${how.padEnd(4)} ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${title}: ${text}\n`);
}
process.on("unhandledRejection", (err) => report("FAIL", "hostile.mjs itself", err.stack));
setTimeout(() => {
	report("FAIL", "everything", `not over after ${LIMIT_OF_ALL} ms`);
	process.exit(1);
}, LIMIT_OF_ALL).unref();
process.stdout.write(`seed ${settings.seed}${sanitized ? ", AddressSanitizer" : ""}\n`);
const control = new Room("control", { plain: 0, asan: 0 });
await control.open(settings).catch((err) => {
	process.stderr.write(`${err.message}\n`);
	process.exit(1);
});
// The room `rules` mostly waits, and runs beside the others, which run one after the other.
const [patient, ...busy] = wanted[0] === rules ? wanted : [undefined, ...wanted];
await Promise.all([
	patient && play(patient, settings, control, report),
	(async () => {
		for (const r of busy) await play(r, settings, control, report);
	})(),
]);
closeAll();
process.stdout.write(`${done - failed} of ${done} went well, in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
process.exit(failed === 0 ? 0 : 1);
