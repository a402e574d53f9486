// Nine viewers that behave, beside hostile peers: the longest time of 99 of 100 groups, with the hostile peers and without.
import { fileURLToPath } from "node:url";
import { Child } from "../lib/child.mjs";
import { sleep } from "../lib/time.mjs";

const NINE = fileURLToPath(new URL("nine.mjs", import.meta.url));
// The time of the measurement before the attacks.
const BEFORE = 2000;
const now = () => performance.timeOrigin + performance.now();

export class Fairness {
	#ways = [];
	async open(room) {
		this.child = new Child(process.execPath, [NINE, room.ws, room.tcp, "room/nine"], {
			stream: "stdout",
			onLine: (line) => this.#ways.push(...JSON.parse(line)),
		});
		const began = performance.now();
		while (this.#ways.length === 0) {
			if (performance.now() - began > 20_000 || this.child.code !== undefined) throw new Error(`the nine do not begin: ${this.child.errors}`);
			await sleep(50);
		}
		this.begins = now();
		await sleep(BEFORE);
		this.since = now();
	}
	// In milliseconds: the longest time of 99 of 100 groups that came then.
	p99(from, to = Infinity) {
		const some = this.#ways.filter(([at]) => at >= from && at < to).map(([, way]) => way).sort((a, b) => a - b);
		return some.length === 0 ? Infinity : some[Math.min(some.length - 1, Math.floor(some.length * 0.99))];
	}
	before() {
		return this.p99(this.begins, this.since);
	}
	async close() {
		this.child.kill();
		await this.child.exit;
	}
}
