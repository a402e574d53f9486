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
//   asked {path,track} · groups {path,track,groups,last:[{group,frames,bytes,start}]} · refused {path,track,message}
//   ended {message} · left · more {groups} · lost {message} · screenshot {file} · steps-done · failed {step,error,page} · no-browser {error}
//   console {level,text} · exception {text}     warnings and errors that the page has logged, and its uncaught exceptions
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { emit } from "./lib/output.mjs";
import { sleep } from "./lib/time.mjs";

function usage(message) {
	process.stderr.write(`${message}\nSee the top of browser.mjs.\n`);
	process.exit(2);
}

function parse() {
	const text = { type: "string", multiple: true };
	const flag = { type: "boolean", multiple: true };
	const steps = { announced: text, unannounced: text, ask: text, choose: text, unknown: text, more: text };
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
			if (["announced", "unannounced"].includes(name)) step.path = value;
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

function findBrowser() {
	const executable = (file) => {
		try {
			accessSync(file, constants.X_OK);
			return true;
		} catch {
			return false;
		}
	};
	if (process.env.CHROMIUM) return executable(process.env.CHROMIUM) ? process.env.CHROMIUM : undefined;
	for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
		for (const dir of (process.env.PATH ?? "").split(delimiter)) {
			const file = join(dir || ".", name);
			if (executable(file)) return file;
		}
	}
	return undefined;
}

// The browser's process, and the DevTools protocol over two pipes: JSON that ends with a zero byte.
class Browser {
	#child;
	#profile = mkdtempSync(join(tmpdir(), "comoq-browser-"));
	#next = 1;
	#calls = new Map();
	#rest = Buffer.alloc(0);
	#gone;
	onEvent = () => {};

	constructor(file, opts) {
		const args = [
			"--headless",
			"--remote-debugging-pipe",
			`--user-data-dir=${this.#profile}`,
			`--window-size=${opts.width},${opts.height}`,
			"--no-first-run",
			"--no-default-browser-check",
			"--no-proxy-server",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-crash-reporter",
			"--disable-dev-shm-usage",
			"--disable-extensions",
			"--disable-gpu",
			"--disable-sync",
			"--hide-scrollbars",
			"--password-store=basic",
			"--use-mock-keychain",
		];
		if (process.getuid?.() === 0) args.push("--no-sandbox");
		this.#child = spawn(file, [...args, "--no-startup-window"], {
			// A group of its own, so that all of its processes can be ended at once.
			detached: true,
			stdio: ["ignore", "ignore", opts.verbose ? "inherit" : "ignore", "pipe", "pipe"],
			// All of its files are to lie in the profile.
			env: { ...process.env, HOME: this.#profile, TMPDIR: this.#profile, XDG_CONFIG_HOME: "", XDG_CACHE_HOME: "" },
		});
		this.#gone = new Promise((resolve) => {
			this.#child.once("error", resolve);
			this.#child.once("exit", (code, signal) => resolve(new Error(`the browser has gone (${signal ?? code})`)));
		});
		void this.#gone.then((err) => this.#fail(err));
		const [, , , input, output] = this.#child.stdio;
		input.on("error", (err) => this.#fail(err));
		output.on("error", (err) => this.#fail(err));
		output.on("data", (data) => this.#read(data));
	}

	#read(data) {
		this.#rest = Buffer.concat([this.#rest, data]);
		for (let end; (end = this.#rest.indexOf(0)) >= 0; ) {
			const message = JSON.parse(this.#rest.subarray(0, end).toString());
			this.#rest = this.#rest.subarray(end + 1);
			const call = this.#calls.get(message.id);
			this.#calls.delete(message.id);
			if (message.method) this.onEvent(message.method, message.params);
			else if (message.error) call?.reject(new Error(`${call.method}: ${message.error.message}`));
			else call?.resolve(message.result);
		}
	}

	#fail(err) {
		for (const call of this.#calls.values()) call.reject(err);
		this.#calls.clear();
	}

	call(method, params = {}, sessionId = undefined) {
		return new Promise((resolve, reject) => {
			void this.#gone.then(reject);
			const id = this.#next++;
			this.#calls.set(id, { method, resolve, reject });
			this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		});
	}

	// The polite way, as long as it takes no time.
	async close() {
		this.call("Browser.close").catch(() => {});
		await Promise.race([this.#gone, sleep(2000)]);
		this.kill();
		await this.#gone;
	}

	// Synchronous, for the handler of "exit" too.
	kill() {
		try {
			if (this.#child.pid) process.kill(-this.#child.pid, "SIGKILL");
		} catch {}
		try {
			rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
		} catch {}
	}
}

class Page {
	#browser;
	#session;
	#opts;

	static async open(browser, opts) {
		const { targetId } = await browser.call("Target.createTarget", { url: "about:blank" });
		const { sessionId } = await browser.call("Target.attachToTarget", { targetId, flatten: true });
		const page = new Page();
		page.#browser = browser;
		page.#session = sessionId;
		page.#opts = opts;
		await page.#load();
		return page;
	}

	call(method, params) {
		return this.#browser.call(method, params, this.#session);
	}

	async #load() {
		const { url, width, height, dark } = this.#opts;
		let status = null;
		const loaded = new Promise((resolve) => {
			this.#browser.onEvent = (method, params) => {
				if (method === "Network.responseReceived" && params.type === "Document") status = params.response.status;
				else if (method === "Page.loadEventFired") resolve();
				else if (method === "Log.entryAdded") log(params.entry.level, params.entry.text, params.entry.url);
				else if (method === "Runtime.consoleAPICalled") log(params.type, params.args.map((a) => a.value ?? a.description).join(" "));
				else if (method === "Runtime.exceptionThrown") {
					const { text, exception } = params.exceptionDetails;
					emit("exception", { text: [text, exception?.description].filter(Boolean).join(" ") });
				}
			};
		});
		const log = (level, text, url) => {
			if (level === "warning" || level === "error") emit("console", { level, text: url ? `${text} (${url})` : text });
		};
		for (const domain of ["Page", "Network", "Runtime", "Log"]) await this.call(`${domain}.enable`);
		await this.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
		if (dark) await this.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
		const { errorText } = await this.call("Page.navigate", { url });
		if (errorText) throw new Error(`${url}: ${errorText}`);
		await loaded;
		if (status !== 200) throw new Error(`${url}: status ${status}`);
		emit("page", { url, status });
	}

	// Runs a function in the page; it sees its arguments and nothing else.
	async run(what, ...args) {
		const expression = `(${what})(...${JSON.stringify(args)})`;
		const { result, exceptionDetails } = await this.call("Runtime.evaluate", { expression, returnByValue: true });
		if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	}

	// Until the function has something to return.
	async until(what, ...args) {
		for (;;) {
			const value = await this.run(what, ...args);
			if (value) return value;
			await sleep(50);
		}
	}

	async click(selector) {
		const place = await this.run((selector) => {
			const element = document.querySelector(selector);
			if (!element || element.disabled) return undefined;
			element.scrollIntoView({ block: "center" });
			const box = element.getBoundingClientRect();
			return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
		}, selector);
		if (!place) throw new Error(`nothing to click on: ${selector}`);
		for (const type of ["mousePressed", "mouseReleased"]) {
			await this.call("Input.dispatchMouseEvent", { type, ...place, button: "left", clickCount: 1 });
		}
	}

	async type(selector, text) {
		await this.run((selector) => document.querySelector(selector).select(), selector);
		await this.call("Input.insertText", { text });
	}

	async screenshot(file) {
		const { data } = await this.call("Page.captureScreenshot", { format: "png" });
		writeFileSync(file, Buffer.from(data, "base64"));
		emit("screenshot", { file });
	}
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
		page = await Page.open(browser, opts);
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
