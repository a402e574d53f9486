#!/usr/bin/env node
// The page that publishes a camera: the stock <moq-publish> in a headless Chromium that has a camera and a microphone of its own making.
//
//   node camera.mjs --relay PROGRAM --subscribe PROGRAM --web DIR [--screenshot FILE] [--verbose]
//
// DIR is dist, which `npm ci && npm run build` in examples/web makes. Checked:
//   the page publishes when it is told to, and the relay announces it; `subscribe` writes an MP4 of it that ffprobe and ffmpeg find no
//   fault with, pictures and sound of two seconds and more, and goes on when the pictures are turned off and on again; the stock player
//   shows it; after the relay has started again the page publishes again without a hand; after Stop nothing is announced.
//
// Exit code: 0 all went well, 1 not, 2 usage, or there is no browser.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { Browser, Page, findBrowser } from "./lib/browser.mjs";
import { startRelay } from "./lib/relay.mjs";
import { sleep } from "./lib/time.mjs";
import { usage } from "./lib/usage.mjs";

let options;
try {
	const text = { type: "string" };
	options = parseArgs({ options: { relay: text, subscribe: text, web: text, screenshot: text, verbose: { type: "boolean" } } }).values;
} catch (err) {
	usage(err.message);
}
for (const name of ["relay", "subscribe", "web"]) if (!options[name]) usage(`--${name} is missing`);
const program = findBrowser();
if (!program) usage("this needs a chromium, chromium-browser or google-chrome, or what CHROMIUM names");

// Of two seconds each.
const GROUPS = 2;
const NAME = "camera.hang";
const PATIENCE = 15_000;

const out = (text) => process.stdout.write(`${text}\n`);
const debug = (text) => options.verbose && out(text);
const run = promisify(execFile);
let failures = 0;
function check(is, words) {
	out(`${is ? "ok  " : "FAIL"} ${words}`);
	if (!is) failures++;
	return is;
}

const directory = mkdtempSync(join(tmpdir(), "comoq-camera-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

const start = (port) => startRelay(options.relay, ["--web", options.web], { port, onLine: debug });
const { relay, port } = await start(0);

const size = { width: 800, height: 600 };
const devices = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"];
const browser = new Browser(program, { ...size, more: devices });
process.on("exit", () => browser.kill());
const onEvent = (event, fields) => debug(`page: ${event} ${JSON.stringify(fields)}`);
const page = await Page.open(browser, { ...size, url: `http://127.0.0.1:${port}/publish.html?name=${NAME}`, onEvent });

async function until(is) {
	const end = performance.now() + PATIENCE;
	while (performance.now() < end) {
		if (await is()) return true;
		await sleep(50);
	}
	return false;
}
const isConnected = () => document.getElementById("status").dataset.state === "connected";
const isLive = () => document.getElementById("publish").dataset.state === "live";
const untilSo = (page, what) => until(() => page.run(what));

async function announced() {
	const answer = await fetch(`http://127.0.0.1:${port}/announced`);
	return (await answer.text()).includes(NAME);
}
// A relay that is not there yet does not say.
const untilAnnounced = (is) => until(async () => (await announced().catch(() => !is)) === is);

// `meanwhile` runs while it records.
async function watched(words, { groups = GROUPS, most = 8, meanwhile = async () => {} } = {}) {
	const file = join(directory, "seen.mp4");
	rmSync(file, { force: true });
	try {
		const words = [`ws://127.0.0.1:${port}`, NAME, "--output", file, "--groups", `${groups}`];
		await Promise.all([run(options.subscribe, words, { timeout: 60_000 }), meanwhile()]);
	} catch (err) {
		return check(false, `${words}: subscribe fails: ${err.stderr ?? err.message}`);
	}
	const entries = "stream=codec_type,codec_name,nb_read_packets:format=duration";
	const probe = await run("ffprobe", ["-v", "error", "-show_entries", entries, "-count_packets", "-of", "json", file]);
	debug(probe.stdout);
	check(probe.stderr === "", `${words}: ffprobe finds no fault${probe.stderr && `: ${probe.stderr}`}`);
	const { streams, format } = JSON.parse(probe.stdout);
	const seconds = Number(format.duration);
	check(seconds > groups && seconds < most, `${words}: it lasts ${seconds.toFixed(1)} s`);
	for (const kind of ["video", "audio"]) {
		const stream = streams.find(({ codec_type }) => codec_type === kind);
		const rate = Number(stream?.nb_read_packets) / seconds;
		check(rate > 5 && rate < 100, `${words}: ${rate.toFixed(1)} packets of ${kind} a second, ${stream?.codec_name}`);
	}
	// In the file's own unit of time: a camera's pictures may come closer together than its rate says.
	const decoded = await run("ffmpeg", ["-nostdin", "-v", "error", "-i", file, "-enc_time_base", "-1", "-f", "null", "-"]);
	check(decoded.stderr === "", `${words}: ffmpeg decodes it without a word${decoded.stderr && `: ${decoded.stderr}`}`);
}

check(await untilSo(page, isConnected), "the page is connected");
check(!(await announced()), "nothing is published before it is told to");
await page.click("#begin");
check(await untilSo(page, isLive), "the camera is published");
check(await untilAnnounced(true), "the relay announces it");
await watched("camera");
const pause = async () => {
	await sleep(3000);
	await page.click("#invisible");
	await sleep(3000);
	await page.click("#invisible");
};
await watched("off for a while", { groups: 5, most: 20, meanwhile: pause });
if (options.screenshot) await page.screenshot(options.screenshot);

// The stock player, in the other page.
const viewer = await Page.open(browser, { ...size, url: `http://127.0.0.1:${port}/`, onEvent });
await viewer.run((name) => {
	document.getElementById("broadcast").value = name;
	document.getElementById("play").click();
}, NAME);
const pictures = () => (document.querySelector("moq-watch")?.video.out.stats.peek()?.frameCount ?? 0) > 20;
check(await untilSo(viewer, pictures), "the stock player shows its pictures");

await relay.end(5000);
await start(port);
check(await untilAnnounced(true), "it is published again after the relay has started again");
await watched("again");

await page.click("#stop");
check(await untilAnnounced(false), "nothing is announced after Stop");
await browser.close();
out(failures === 0 ? "all went well" : `${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
