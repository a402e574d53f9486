#!/usr/bin/env node
// What the programs publish, in the stock player: <moq-watch> (@moq/watch 0.4.6) in a headless Chromium, with sound.
//
//   node media.mjs --relay PROGRAM --publish PROGRAM --player DIR --clip FILE.mp4 [--on-demand PROGRAM]
//       [--screenshot FILE] [--verbose]
//
// DIR is player/dist, which `npm ci && npm run build` in player/ makes; FILE is examples/media/clip.mp4 (24 pictures a second, a group
// each half second, sound). Checked, by what the page says of itself:
//   each container: at least 95 % of the pictures of five seconds are decoded, the time of the picture goes on as the clock does, sound
//   comes and is not silent; a viewer that comes late has a picture within a group and half a second after it has asked for the video;
//   the page is loaded again: it plays; the publisher is killed and starts again, and then the relay, while the publisher lives on: it plays
//   within 10 s; the same from the pipe of an encoder, if there is ffmpeg; and of the file on demand, by media_on_demand, whose broadcasts
//   nobody announces.
//
// Exit code: 0 all went well, 1 not, 2 usage, or there is no browser.
import { spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { parseArgs } from "node:util";
import { Browser, Page, findBrowser } from "./lib/browser.mjs";
import { Child } from "./lib/child.mjs";
import { startRelay } from "./lib/relay.mjs";
import { sleep } from "./lib/time.mjs";
import { usage } from "./lib/usage.mjs";

let options;
try {
	const text = { type: "string" };
	options = parseArgs({
		options: { relay: text, publish: text, player: text, clip: text, "on-demand": text, screenshot: text, verbose: { type: "boolean" } },
	}).values;
} catch (err) {
	usage(err.message);
}
for (const name of ["relay", "publish", "player", "clip"]) if (!options[name]) usage(`--${name} is missing`);
const program = findBrowser();
if (!program) usage("this needs a chromium, chromium-browser or google-chrome, or what CHROMIUM names");

const out = (text) => process.stdout.write(`${text}\n`);
const debug = (text) => options.verbose && out(text);
// Each browser and publisher has a listener.
process.setMaxListeners(0);
let failures = 0;
function check(is, words) {
	out(`${is ? "ok  " : "FAIL"} ${words}`);
	if (!is) failures++;
}

// When the relay was asked for the video of a broadcast, last.
const asked = new Map();
const startPages = (more = {}) =>
	startRelay(options.relay, ["--web", options.player], {
		onLine(line) {
			debug(line);
			const path = /event=subscribed .*path=(\S+) track=video\b/.exec(line)?.[1];
			if (path) asked.set(path, performance.now());
		},
		...more,
	});
let { relay, port } = await startPages();
const url = `ws://127.0.0.1:${port}`;

function publish(path, words, input = undefined) {
	const child = spawn(options.publish, [url, path, ...words], { stdio: [input ?? "ignore", "ignore", "pipe"] });
	child.stderr.setEncoding("utf8").on("data", (text) => debug(`publish: ${text}`));
	process.on("exit", () => child.kill("SIGKILL"));
	return child;
}

// In the page.
const look = () => {
	const watch = document.querySelector("moq-watch");
	const { root } = watch.audio.out;
	if (root.peek() && globalThis.listened !== root.peek()) {
		globalThis.listened = root.peek();
		globalThis.analyser = new AnalyserNode(root.peek().context, { fftSize: 2048 });
		root.peek().connect(globalThis.analyser);
	}
	let loudest = 0;
	if (globalThis.analyser) {
		const samples = new Float32Array(2048);
		globalThis.analyser.getFloatTimeDomainData(samples);
		for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
	}
	return {
		at: performance.now(),
		frames: watch.video.out.stats.peek()?.frameCount ?? 0,
		video: watch.video.out.timestamp.peek() ?? 0,
		audioBytes: watch.audio.out.stats.peek()?.bytesReceived ?? 0,
		audio: watch.audio.out.timestamp.peek() ?? 0,
		loudest,
	};
};

async function open(name, more = "") {
	const size = { width: 800, height: 600 };
	const browser = new Browser(program, { ...size, more: ["--autoplay-policy=no-user-gesture-required"] });
	process.on("exit", () => browser.kill());
	const onEvent = (event, fields) => debug(`${name}: ${event} ${JSON.stringify(fields)}`);
	const page = await Page.open(browser, { ...size, url: `http://127.0.0.1:${port}/?sound&name=${name}${more}`, onEvent });
	return { browser, page, look: () => page.run(look) };
}

// The look at which there are more frames than `count`; nothing after `patience` ms.
async function until(viewer, count, patience) {
	const end = performance.now() + patience;
	for (;;) {
		const seen = await viewer.look();
		if (seen.frames > count) return seen;
		if (performance.now() > end) return undefined;
		await sleep(25);
	}
}

async function plays(viewer, words, rate = 24) {
	if (!(await until(viewer, 0, 15_000))) return check(false, `${words}: there is no picture`);
	await sleep(1000);
	const before = await viewer.look();
	let loudest = 0;
	while ((await viewer.look()).at < before.at + 5000) {
		loudest = Math.max(loudest, (await viewer.look()).loudest);
		await sleep(50);
	}
	const after = await viewer.look();
	const seconds = (after.at - before.at) / 1000;
	const decoded = (after.frames - before.frames) / (seconds * rate);
	check(decoded >= 0.95 && decoded < 1.1, `${words}: ${(100 * decoded).toFixed(1)} % of the pictures of ${seconds.toFixed(1)} s are decoded`);
	const pace = (after.video - before.video) / (1000 * seconds);
	check(pace > 0.9 && pace < 1.1, `${words}: the picture goes ${pace.toFixed(2)} times as fast as the clock`);
	check(after.audioBytes > before.audioBytes, `${words}: ${after.audioBytes - before.audioBytes} bytes of sound came`);
	const sound = (after.audio - before.audio) / (1000 * seconds);
	check(loudest > 0.01 && sound > 0.9 && sound < 1.1, `${words}: the sound is as loud as ${loudest.toFixed(3)}, and ${sound.toFixed(2)} times as fast`);
}

for (const container of ["cmaf", "legacy", "loc"]) {
	const publisher = publish(`${container}.hang`, [options.clip, "--loop", "--container", container]);
	const viewer = await open(`${container}.hang`);
	await plays(viewer, container);
	if (container === "cmaf") {
		if (options.screenshot) await viewer.page.screenshot(options.screenshot);
		const late = await open(`${container}.hang`);
		const first = await until(late, 0, 15_000);
		// The relay is asked once for each viewer: the last one is this one.
		const took = performance.now() - asked.get(`${container}.hang`);
		check(first && took < 1000, `late: the first picture is there ${took.toFixed(0)} ms after the video was asked for`);
		await late.page.reload();
		check(await until(late, 24, 10_000), "reload: a second of pictures comes within 10 s after the page was loaded again");
		await late.browser.close();

		publisher.kill("SIGKILL");
		await sleep(2000);
		const again = publish(`${container}.hang`, [options.clip, "--loop"]);
		const { frames } = await viewer.look();
		const back = await until(viewer, frames + 24, 10_000);
		check(back, "again: a second of pictures comes within 10 s after the publisher has started again");

		relay.kill();
		await relay.exit;
		await sleep(2000);
		({ relay } = await startPages({ port }));
		const before = await viewer.look();
		const returned = await until(viewer, before.frames + 24, 10_000);
		check(returned, "again: a second of pictures comes within 10 s after the relay has started again");
		check(again.exitCode === null, "again: the publisher lives on meanwhile");
		again.kill("SIGKILL");
	}
	await viewer.browser.close();
	publisher.kill("SIGKILL");
}

if (options["on-demand"]) {
	const server = new Child(options["on-demand"], [url, "vod", dirname(options.clip)], { stream: "stdout", onLine: debug });
	const name = `vod/${basename(options.clip)}`;
	const viewer = await open(name, "&unannounced");
	await plays(viewer, "on demand");
	await viewer.browser.close();
	await server.end(5000);
	check(server.code === 0, `on demand: the program ends with ${server.code}`);
}

const pattern = ["-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"];
const coding = ["-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "24", "-c:a", "aac"];
const live = ["-f", "mp4", "-movflags", "cmaf+empty_moov+default_base_moof", "-frag_duration", "100000", "-"];
const encoder = spawn("ffmpeg", ["-nostdin", "-v", "error", ...pattern, ...coding, ...live], { stdio: ["ignore", "pipe", "inherit"] });
process.on("exit", () => encoder.kill("SIGKILL"));
if (await new Promise((resolve) => encoder.once("spawn", () => resolve(true)).once("error", () => resolve(false)))) {
	publish("live.hang", ["-"], encoder.stdout);
	const viewer = await open("live.hang");
	await plays(viewer, "from a pipe");
	await viewer.browser.close();
} else {
	out("WITHOUT an encoder's pipe: there is no ffmpeg");
}

out(failures === 0 ? "all went well" : `${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
