#!/usr/bin/env node
// A viewer that chooses between two renditions by what the relay says of the link (PROBE), over a link that this program makes
// slow and free again.
//
//   node adapts.mjs --relay PROGRAM [--player DIR] [options]
//
// With --player the viewer is the stock <moq-watch> (@moq/watch 0.4.6) in a headless Chromium. DIR is player/dist, which
// `npm ci && npm run build` in player/ makes. Without it, for want of a browser, the viewer is the stock @moq/net with a copy of the
// element's rule: the best rendition within 80 % of the estimate, and the best of all while there is none.
//
// The renditions have 1,000 and 100 kbit/s (lib/renditions.mjs). Checked: hd on a free link; sd within 12 s on a narrow one, and no
// other for 10 s; hd within 20 s on a free one. The viewer has to ask for it and to show it: the canvas of the element has its size
// and its colour by then, and its pictures move. The link has to carry about the rate of hd, and of sd, and the relay has to
// log that hd, sd and hd were asked for. It takes half a minute of real time.
//
// Options
//   --narrow BYTES      what the narrow link carries in a second (default 50000)
//   --buffer BYTES      the room on the way (default 16384)
//   --screenshot FILE   writes a PNG of the page at the end
//   --verbose           also the relay's log, every estimate, and what the page logs
// The link needs python3. The browser is that of browser.mjs.
//
// Exit code: 0 all went well, 1 not, 2 usage, or there is no browser for --player.
import "./lib/polyfill.mjs";
import { parseArgs } from "node:util";
import * as Moq from "@moq/net";
import { findBrowser } from "./lib/browser.mjs";
import { startRelay } from "./lib/relay.mjs";
import { Link } from "./lib/link.mjs";
import { Player } from "./lib/player.mjs";
import { publishRenditions } from "./lib/renditions.mjs";
import { RuleViewer } from "./lib/rule_viewer.mjs";
import { sleep } from "./lib/time.mjs";
import { usage } from "./lib/usage.mjs";

let options;
try {
	options = parseArgs({
		options: {
			relay: { type: "string" },
			player: { type: "string" },
			narrow: { type: "string", default: "50000" },
			buffer: { type: "string", default: "16384" },
			screenshot: { type: "string" },
			verbose: { type: "boolean" },
		},
	}).values;
} catch (err) {
	usage(err.message);
}
if (!options.relay) usage("which relay? --relay");
function number(name) {
	const value = Number(options[name]);
	if (!Number.isInteger(value) || value < 1) usage(`--${name} wants a number`);
	return value;
}
const [narrow, buffer] = [number("narrow"), number("buffer")];
const browser = options.player && findBrowser();
if (options.player && !browser) usage("--player needs a chromium, chromium-browser or google-chrome, or what CHROMIUM names");

const began = performance.now();
const out = (text) => process.stdout.write(`${text}\n`);
const timed = (text) => out(`${((performance.now() - began) / 1000).toFixed(1)} s: ${text}`);
const debug = (text) => options.verbose && timed(text);

// What the viewer has asked for, as the relay logs it.
const asked = [];
const web = options.player ? ["--web", options.player] : [];
const { port } = await startRelay(options.relay, ["--threads", "1", ...web], {
	onLine(line) {
		debug(line);
		const track = /event=subscribed .*track=([hs]d)\b/.exec(line)?.[1];
		if (track) asked.push(track);
	},
});
const link = await Link.to(port, buffer);

const publishing = await Moq.Connection.connect(new URL(`http://127.0.0.1:${port}/`), { webtransport: { enabled: false } });
publishRenditions(publishing, "adapts.hang");

const url = `http://127.0.0.1:${link.port}/`;
const viewer = browser
	? await Player.open(browser, url, (event, fields) => debug(`${event} ${JSON.stringify(fields)}`))
	: await RuleViewer.open(url, "adapts.hang");

// The viewer is looked at all the time. `shown` is the rendition of the picture.
let now = {};
let over = false;
let pictures = 0;
let changes = 0;
void (async () => {
	while (!over) {
		const next = await viewer.look();
		if (next.picture !== now.picture) pictures++;
		const { estimatedRecvRate: rate, rtt } = next.probe;
		if (rate !== now.probe?.estimatedRecvRate) debug(`${rate ?? "unknown"} bit/s, ${rtt ?? "?"} ms`);
		if (next.chosen !== now.chosen) {
			changes++;
			timed(`asks for ${next.chosen} (${rate === undefined ? "no estimate" : `${Math.round(rate / 1000)} kbit/s`})`);
		}
		if (next.shown !== now.shown) timed(`shows ${next.shown}`);
		now = next;
		await sleep(50);
	}
})().catch((err) => {
	if (over) return;
	out(`FAIL the viewer has gone: ${err.message}`);
	process.exit(1);
});

let good = true;
function check(what, holds) {
	out(`${holds ? "ok  " : "FAIL"} ${what}`);
	good &&= holds;
}
async function checkWithin(seconds, name) {
	const start = performance.now();
	const since = () => (performance.now() - start) / 1000;
	let asks;
	while (!(now.chosen === name && now.shown === name) && since() < seconds) {
		if (now.chosen === name) asks ??= since();
		await sleep(20);
	}
	const shows = now.chosen === name && now.shown === name ? since() : undefined;
	check(`${name} within ${seconds} s: asked for after ${(asks ?? shows)?.toFixed(1) ?? "-"}, shown after ${shows?.toFixed(1) ?? "-"}`, shows !== undefined);
}
// In `seconds`: the one rendition, its rate on the link, and pictures that move.
async function checkSteady(seconds, name, kilobits) {
	const before = { changes, pictures, carried: await link.carried() };
	await sleep(1000 * seconds);
	check(`${name} for ${seconds} s`, now.chosen === name && now.shown === name && changes === before.changes);
	const rate = (8 * ((await link.carried()) - before.carried)) / 1000 / seconds;
	check(`${kilobits} kbit/s: ${Math.round(rate)}`, rate > 0.85 * kilobits && rate < 1.25 * kilobits);
	if (browser) check(`pictures that move: ${pictures - before.pictures}`, pictures - before.pictures >= 5 * seconds);
}

await checkWithin(10, "hd");
await checkSteady(6, "hd", 1000);
timed(`the link carries ${narrow} bytes a second`);
await link.carry(narrow);
await checkWithin(12, "sd");
const slow = changes;
await sleep(6000);
await checkSteady(4, "sd", 100);
check("and no other one meanwhile", changes === slow);
timed("the link is free");
await link.carry(0);
await checkWithin(20, "hd");
await checkSteady(4, "hd", 1000);
check(`the relay has been asked for hd, sd and hd: ${asked}`, /hd,(sd,)+hd$/.test(asked.join()));
over = true;
if (browser) {
	if (options.screenshot) await viewer.screenshot(options.screenshot);
	await viewer.close();
}
process.exit(good ? 0 : 1);
