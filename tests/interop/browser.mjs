#!/usr/bin/env node
// A browser for the interop tests. It starts a headless Chromium, opens the page of examples/web, and uses it through the DevTools
// protocol as a person would: with real clicks and typing, and with waits for the page's content. The page needs nothing but its
// ids and data attributes for that. The browser has a temporary profile, and both are removed in every case.
//
//   node browser.mjs URL [steps and options]     URL is the page's, with ?relay=ws://... if the relay does not serve it
//
// Standard output has one JSON object a line: {"event":NAME,"ms":SINCE_START,...}. Standard error is empty unless --verbose.
// Exit code: 0 all steps done, 1 a step failed or timed out, 2 usage, or there is no browser.
//
// Steps, done in the order given, after the page has connected (unless the first one is --lost)
//   --announced PATH     waits until PATH is listed as announced    --unannounced PATH  until it is not
//   --ask PATH/TRACK     asks for the track (the part after the last slash) and waits until --groups whole groups have been shown
//   --choose PATH/TRACK  the same, by a click on PATH in the list, as soon as it is there
//   --play PATH          clicks on PATH in the list, without a track, and waits until the stock player has shown a second of it
//   --unknown PATH/TRACK asks for it and waits for an error
//   --ended              waits until the requested track has ended
//   --leave              leaves the track
//   --more N             waits for N more whole groups
//   --lost               waits until the page says that the connection is lost    --connected  until it is there (again)
//
// Options
//   --groups N           (default 3)
//   --screenshot FILE    writes a PNG after the last step, or at a step's failure
//   --size WxH           of the window (default 1200x800)    --dark  asks for dark colours
//   --timeout MS         gives up after this time (default 30000)
//   --verbose            the browser's standard error, on standard error
// The browser is the environment's CHROMIUM, or chromium, chromium-browser or google-chrome in PATH.
//
// Events
//   browser {version} · page {url,status} · connected {relay} · announced {path} · unannounced {path}
//   asked {path,track} · played {path,frames} · groups {path,track,groups,last:[{group,frames,bytes,start}]} · refused {path,track,message}
//   ended {message} · left · more {groups} · lost {message} · screenshot {file} · steps-done · failed {step,error,page} · no-browser {error}
//   console {level,text} · exception {text}     warnings and errors that the page has logged, and its uncaught exceptions
import { parseArgs } from "node:util";
import { Browser, Page, findBrowser } from "./lib/browser.mjs";
import { emit } from "./lib/output.mjs";
import { sleep } from "./lib/time.mjs";

function usage(message) {
	process.stderr.write(`${message}\nSee the top of browser.mjs.\n`);
	process.exit(2);
}

function parse() {
	const text = { type: "string", multiple: true };
	const flag = { type: "boolean", multiple: true };
	const steps = { play: text, announced: text, unannounced: text, ask: text, choose: text, unknown: text, more: text };
	const flags = { ended: flag, leave: flag, lost: flag, connected: flag };
	let parsed;
	try {
		parsed = parseArgs({
			allowPositionals: true,
			tokens: true,
			options: {
				...steps,
				...flags,
				groups: { type: "string", default: "3" },
				screenshot: { type: "string" },
				size: { type: "string", default: "1200x800" },
				dark: { type: "boolean", default: false },
				timeout: { type: "string", default: "30000" },
				verbose: { type: "boolean", default: false },
			},
		});
	} catch (err) {
		usage(err.message);
	}
	const { values: v, positionals, tokens } = parsed;
	if (positionals.length !== 1) usage("one URL is wanted");
	try {
		new URL(positionals[0]);
	} catch {
		usage(`not a URL: ${positionals[0]}`);
	}

	const number = (name, text) => {
		const n = Number(text);
		if (!Number.isInteger(n) || n < 1) usage(`--${name} wants a number`);
		return n;
	};
	const list = tokens
		.filter((token) => token.kind === "option" && (token.name in steps || token.name in flags))
		.map(({ name, value }) => {
			const step = { name, words: value === undefined ? `--${name}` : `--${name} ${value}` };
			if (["announced", "unannounced", "play"].includes(name)) step.path = value;
			if (name === "more") step.count = number(name, value);
			if (["ask", "choose", "unknown"].includes(name)) {
				const at = value.lastIndexOf("/");
				if (at < 1 || at === value.length - 1) usage(`--${name} wants PATH/TRACK`);
				step.path = value.slice(0, at);
				step.track = value.slice(at + 1);
			}
			return step;
		});
	const [, width, height] = /^(\d+)x(\d+)$/.exec(v.size) ?? usage("--size wants WIDTHxHEIGHT");
	return {
		...v,
		url: positionals[0],
		steps: list,
		groups: number("groups", v.groups),
		timeout: number("timeout", v.timeout),
		width: Number(width),
		height: Number(height),
	};
}

// The content of the page, in as few words as a failure needs.
const glance = () => {
	const text = (id) => document.getElementById(id)?.textContent ?? null;
	return {
		status: text("status"),
		trouble: text("trouble"),
		announced: [...document.querySelectorAll("#announced [data-path]")].map((item) => item.dataset.path),
		watch: text("watch-note"),
		groups: document.getElementById("watch")?.dataset.groups ?? null,
	};
};

const isListed = (path) => [...document.querySelectorAll("#announced [data-path]")].some((item) => item.dataset.path === path);
const isStatus = (state) => document.getElementById("status")?.dataset.state === state;
const watchNote = (state) =>
	document.getElementById("watch").dataset.state === state && document.getElementById("watch-note").textContent;
const groupCount = () => Number(document.getElementById("watch").dataset.groups);

// The newest whole groups, once there are enough. An error ends the waiting.
const shownGroups = (count) => {
	const watch = document.getElementById("watch");
	if (watch.dataset.state === "error") return { error: document.getElementById("watch-note").textContent };
	if (Number(watch.dataset.groups) < count) return undefined;
	const last = [...document.querySelectorAll('#groups tr[data-state="done"]')].slice(0, 3).map((row) => ({
		group: Number(row.dataset.sequence),
		frames: Number(row.querySelector(".frames").textContent),
		bytes: row.querySelector(".bytes").textContent,
		start: row.querySelector(".start").textContent,
	}));
	return { groups: Number(watch.dataset.groups), last };
};

async function ask(page, { path, track }) {
	await page.type("#broadcast", path);
	await page.type("#track", track);
	await page.click("#ask");
	emit("asked", { path, track });
}

async function groups(page, { path, track }, count) {
	const shown = await page.until(shownGroups, count);
	if (shown.error) throw new Error(shown.error);
	emit("groups", { path, track, ...shown });
}

const steps = {
	async announced(page, { path }) {
		await page.until(isListed, path);
		emit("announced", { path });
	},
	async unannounced(page, { path }) {
		await page.until(`(path) => !(${isListed})(path)`, path);
		emit("unannounced", { path });
	},
	async ask(page, step, opts) {
		await ask(page, step);
		await groups(page, step, opts.groups);
	},
	async choose(page, step, opts) {
		await page.until(isListed, step.path);
		await page.type("#track", step.track);
		await page.click(`#announced [data-path=${JSON.stringify(step.path)}] button`);
		emit("asked", { path: step.path, track: step.track });
		await groups(page, step, opts.groups);
	},
	async play(page, { path }) {
		await page.until(isListed, path);
		await page.run(() => {
			document.getElementById("track").value = "";
		});
		await page.click(`#announced [data-path=${JSON.stringify(path)}] button`);
		const frames = await page.until(() => {
			const shown = document.querySelector("moq-watch")?.video?.out.stats.peek()?.frameCount ?? 0;
			return shown >= 24 && shown;
		});
		emit("played", { path, frames });
	},
	async unknown(page, step) {
		await ask(page, step);
		const message = await page.until(
			`() => (${watchNote})("error") || (Number(document.getElementById("watch").dataset.groups) > 0 && { groups: true })`,
		);
		if (message.groups) throw new Error("groups came instead of an error");
		emit("refused", { path: step.path, track: step.track, message });
	},
	async ended(page) {
		emit("ended", { message: await page.until(watchNote, "ended") });
	},
	async leave(page) {
		await page.click("#leave");
		await page.until(watchNote, "idle");
		emit("left");
	},
	async more(page, { count }) {
		const before = await page.run(groupCount);
		await page.until(shownGroups, before + count);
		emit("more", { groups: count });
	},
	async lost(page) {
		await page.until(isStatus, "lost");
		emit("lost", { message: await page.run(() => document.getElementById("trouble").textContent) });
	},
	async connected(page) {
		await page.until(isStatus, "connected");
		emit("connected", { relay: await page.run(() => document.getElementById("relay").value) });
	},
};

async function main() {
	const opts = parse();
	const file = findBrowser();
	if (!file) {
		emit("no-browser", { error: "no chromium, chromium-browser or google-chrome, nor what CHROMIUM names" });
		process.exitCode = 2;
		return;
	}

	const browser = new Browser(file, opts);
	process.on("exit", () => browser.kill());
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));
	process.stdout.on("error", () => process.exit(1));

	let page;
	let doing = "start";
	const work = (async () => {
		emit("browser", { version: (await browser.call("Browser.getVersion")).product });
		doing = "page";
		page = await Page.open(browser, { ...opts, onEvent: emit });
		if (!["lost", "connected"].includes(opts.steps[0]?.name)) opts.steps.unshift({ name: "connected", words: "connect" });
		for (const step of opts.steps) {
			doing = step.words;
			await steps[step.name](page, step, opts);
		}
	})();
	const late = sleep(opts.timeout).then(() => {
		throw new Error(`not done after ${opts.timeout} ms`);
	});
	try {
		await Promise.race([work, late]);
		if (opts.screenshot) await page.screenshot(opts.screenshot);
		emit("steps-done");
	} catch (err) {
		process.exitCode = 1;
		// The browser itself may hang.
		const seen = page && (await Promise.race([page.run(glance).catch(() => null), sleep(1000)]));
		emit("failed", { step: doing, error: err.message, page: seen ?? null });
		if (seen && opts.screenshot) await Promise.race([page.screenshot(opts.screenshot).catch(() => {}), sleep(3000)]);
	}
	await browser.close();
	process.exit();
}

await main();
