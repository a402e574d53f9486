// Attacks on one relay, with bystanders of its own.
import { Bystanders } from "./bystanders.mjs";
import { Fairness } from "./fairness.mjs";
import { Relay } from "./relay.mjs";

export const MIB = 1 << 20;
// On two processors with nothing else to do, the attackers and the nine slow the relay down by as much.
const USUAL_SLOWNESS = 2;
// Less than the delay that a lost group counts as (nine.mjs): whatever the machine does, nobody may lose one of a hundred.
const MOST_ALLOWED = 2900;

export class Room {
	// With `upstream`, the relay has a relay of its own as its upstream.
	constructor(name, growth, args = [], lanes = 4, { upstream = false } = {}) {
		this.name = name;
		this.lanes = lanes;
		this.args = args;
		this.wantsUpstream = upstream;
		this.attacks = [];
		// In MiB: the allowed growth of a relay's memory, with AddressSanitizer (redzones, a quarantine of 16 MiB) and without.
		this.growth = growth;
	}

	attack(title, run) {
		this.attacks.push({ title: `${this.name} ${title}`, run });
	}

	// `settings` are those of the whole run: relay (the program), late, sanitized, seed and began.
	async open(settings) {
		this.settings = settings;
		this.relay = new Relay();
		const args = [...this.args];
		if (this.wantsUpstream) {
			this.upstream = new Relay();
			await this.upstream.open(settings.relay, []);
			args.push("--upstream", this.upstream.tcp);
		}
		await this.relay.open(settings.relay, args);
		this.bystanders = new Bystanders();
		await this.bystanders.open(this.ws);
		this.nine = new Fairness();
		await this.nine.open(this);
		this.since = performance.now();
		this.before = this.relay.rss();
		this.processors = this.relay.processors();
		this.most = this.before;
		this.timer = setInterval(() => {
			this.most = Math.max(this.most, this.relay.rss());
		}, 100);
	}
	get tcp() {
		return this.relay.tcp;
	}
	get ws() {
		return this.relay.ws;
	}

	// The faults that the bystanders noticed, and those of the relay's end. Apart from them, `late` has what only took too long.
	async close(control) {
		const faults = [];
		const late = [];
		if (this.relay.code !== undefined) faults.push(`the relay has left with ${this.relay.code}`);
		else await this.bystanders.newcomer(this.ws).catch((err) => faults.push(`somebody who comes later: ${err.message}`));
		const { sanitized, began } = this.settings;
		const last = await this.bystanders.settle();
		const after = this.relay.rss();
		clearInterval(this.timer);
		const p99 = this.nine.p99(this.nine.since);
		const slowness = this.slowness();
		const without = this.nine.before();
		const elsewhere = control.nine.p99(this.nine.since);
		if (!Number.isFinite(elsewhere) || !Number.isFinite(without)) faults.push("there is nothing to compare the nine with");
		// If the machine has other things to do, both relays are slow, and the one that has much to do waits for processors.
		const machine = Math.max(2 * Math.max(without, elsewhere), this.settings.floor * Math.max(1, slowness / USUAL_SLOWNESS));
		const fair = Math.min(MOST_ALLOWED, machine);
		if (p99 > fair) late.push(`p99 of the nine is ${p99.toFixed(0)} ms, ${fair.toFixed(0)} are allowed`);
		await this.nine.close();
		this.bystanders.leaving = true;
		faults.push(...this.bystanders.trouble.map((line) => `bystander: ${line}`));
		faults.push(...this.relay.lines.map((line) => `the relay about a bystander: ${line}`));
		faults.push(...this.bystanders.judge(last));
		const allowed = this.settings.late + 2 * control.bystanders.lateness(this.since);
		// Nothing that a busy machine does to one relay and not to the other.
		const stalled = this.bystanders.late(2 * allowed, began);
		faults.push(...stalled);
		if (stalled.length === 0) late.push(...this.bystanders.late(allowed, began));
		const bound = sanitized ? this.growth.asan : this.growth.plain;
		const grown = this.most - this.before;
		if (grown > bound) faults.push(`memory grew by ${grown.toFixed(0)} MiB, ${bound} are allowed`);
		await this.bystanders.close();
		const code = await this.relay.child.end(15_000);
		if (code !== 0) faults.push(`the relay's exit code is ${code}`);
		await this.upstream?.child.end(15_000);
		if (this.relay.reports.length > 0) faults.push(`the relay said:\n\t\t${this.relay.reports.slice(0, 60).join("\n\t\t")}`);
		this.summary = `${this.bystanders.groups.length} groups, at most ${this.bystanders.lateness().toFixed(0)} ms late (${allowed.toFixed(0)} allowed); memory ${this.before.toFixed(0)} + ${grown.toFixed(0)} MiB (+ ${bound} allowed), ${after.toFixed(0)} at the end; p99 of the nine ${p99.toFixed(1)} ms (${fair.toFixed(0)} allowed), before ${without.toFixed(1)}, elsewhere ${elsewhere.toFixed(1)}, slowness ${slowness.toFixed(1)}`;
		return { faults, late };
	}
	// How many times as long the relay's work has taken since the beginning as it would have without others on the processors.
	slowness() {
		const { ran, waited } = this.relay.processors();
		const since = this.processors;
		return ran > since.ran ? 1 + (waited - since.waited) / (ran - since.ran) : 1;
	}
	sign() {
		if (this.relay.code !== undefined) throw new Error(`the relay has left with ${this.relay.code}`);
	}
}
