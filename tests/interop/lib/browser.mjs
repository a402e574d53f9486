// A headless Chromium, driven through the DevTools protocol.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { sleep } from "./time.mjs";

// The environment's CHROMIUM, or what PATH has.
export function findBrowser() {
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

// The browser's process, and the DevTools protocol over two pipes: JSON that ends with a zero byte. It has a temporary profile.
// Its window has `width` and `height`; with `verbose` its standard error is this program's. `more` are further options of it.
export class Browser {
	#child;
	#profile = mkdtempSync(join(tmpdir(), "comoq-browser-"));
	#next = 1;
	#calls = new Map();
	#rest = Buffer.alloc(0);
	#gone;
	onEvent = () => {};

	constructor(file, { width, height, verbose = false, more = [] }) {
		const args = [
			"--headless",
			"--remote-debugging-pipe",
			`--user-data-dir=${this.#profile}`,
			`--window-size=${width},${height}`,
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
		this.#child = spawn(file, [...args, ...more, "--no-startup-window"], {
			// A group of its own, so that all of its processes can be ended at once.
			detached: true,
			stdio: ["ignore", "ignore", verbose ? "inherit" : "ignore", "pipe", "pipe"],
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

// A page of `url`. What it logs, its uncaught exceptions and what is done with it go to `onEvent`, as a name and fields.
export class Page {
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

	// What the page had is gone afterwards.
	reload() {
		return this.#load();
	}

	async #load() {
		const { url, width, height, dark, onEvent } = this.#opts;
		let status = null;
		const loaded = new Promise((resolve) => {
			this.#browser.onEvent = (method, params) => {
				if (method === "Network.responseReceived" && params.type === "Document") status = params.response.status;
				else if (method === "Page.loadEventFired") resolve();
				else if (method === "Log.entryAdded") log(params.entry.level, params.entry.text, params.entry.url);
				else if (method === "Runtime.consoleAPICalled") log(params.type, params.args.map((a) => a.value ?? a.description).join(" "));
				else if (method === "Runtime.exceptionThrown") {
					const { text, exception } = params.exceptionDetails;
					onEvent("exception", { text: [text, exception?.description].filter(Boolean).join(" ") });
				}
			};
		});
		const log = (level, text, url) => {
			if (level === "warning" || level === "error") onEvent("console", { level, text: url ? `${text} (${url})` : text });
		};
		for (const domain of ["Page", "Network", "Runtime", "Log"]) await this.call(`${domain}.enable`);
		await this.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
		if (dark) await this.call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
		const { errorText } = await this.call("Page.navigate", { url });
		if (errorText) throw new Error(`${url}: ${errorText}`);
		await loaded;
		if (status !== 200) throw new Error(`${url}: status ${status}`);
		onEvent("page", { url, status });
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
		this.#opts.onEvent("screenshot", { file });
	}
}
