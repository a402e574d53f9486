// Processes that end with this one, however it ends.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sleep } from "./time.mjs";

const PEER = fileURLToPath(new URL("../peer.mjs", import.meta.url));
// A peer of the package: the program, and its arguments.
export const packagePeer = (args) => [process.execPath, [PEER, ...args]];

const running = new Set();
const killAll = () => {
	for (const child of running) child.kill("SIGKILL");
};
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		killAll();
		process.exit(1);
	});
}

export class Child {
	#child;
	errors = "";
	code = undefined;

	// The lines of one `stream`, stdout or stderr, are for `onLine`; all of the other one is kept in `errors`.
	constructor(program, args, { stream, onLine, onExit = () => {}, stdin = "ignore", env = process.env }) {
		this.#child = spawn(program, args, { stdio: [stdin, "pipe", "pipe"], env });
		running.add(this.#child);
		this.#child.stdin?.on("error", () => {});
		const other = stream === "stdout" ? this.#child.stderr : this.#child.stdout;
		other.setEncoding("utf8").on("data", (text) => {
			this.errors += text;
		});
		createInterface({ input: this.#child[stream] }).on("line", onLine);
		this.exit = new Promise((resolve) => {
			this.#child.on("error", (err) => {
				this.errors += err;
			});
			this.#child.on("close", (code, signal) => {
				running.delete(this.#child);
				this.code = code ?? signal;
				onExit();
				resolve(this.code);
			});
		});
	}

	get pid() {
		return this.#child.pid;
	}
	write(text) {
		this.#child.stdin.write(text);
	}
	endInput() {
		this.#child.stdin.end();
	}
	stop() {
		this.#child.kill("SIGTERM");
	}
	kill() {
		this.#child.kill("SIGKILL");
	}
	// Asked first.
	async end(ms) {
		this.stop();
		await Promise.race([this.exit, sleep(ms)]);
		if (this.code === undefined) this.kill();
		return await this.exit;
	}
}
