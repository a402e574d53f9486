// A link on the way to a relay, which becomes slow and free again while it is in use.
import { fileURLToPath } from "node:url";
import { Child } from "./child.mjs";

const PROGRAM = fileURLToPath(new URL("link.py", import.meta.url));

export class Link {
	#child;
	#rate = 0;
	#waiting = [];
	port;

	// To the port of this machine, with room for about `buffer` bytes on the way.
	static async to(port, buffer) {
		const link = new Link();
		await new Promise((resolve, reject) => {
			link.#child = new Child("python3", [PROGRAM, String(port), String(buffer)], {
				stream: "stdout",
				stdin: "pipe",
				onLine(line) {
					if (link.port) return link.#waiting.shift()?.(Number(line));
					link.port = Number(line);
					resolve();
				},
				onExit: () => reject(new Error(`the link ended: ${link.#child.errors}`)),
			});
		});
		return link;
	}

	// From now on it carries `rate` bytes a second of what the relay sends; 0: it is free.
	async carry(rate) {
		this.#rate = rate;
		await this.carried();
	}
	// The bytes that it has carried so far.
	async carried() {
		return await new Promise((resolve) => {
			this.#waiting.push(resolve);
			this.#child.write(`${this.#rate}\n`);
		});
	}
}
