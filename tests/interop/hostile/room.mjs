// Attacks on one relay, with bystanders of its own.
import { Bystanders } from "./bystanders.mjs";
import { Relay } from "./relay.mjs";

export const MIB = 1 << 20;

export class Room {
	constructor(name, growth, args = [], lanes = 4) {
		this.name = name;
		this.lanes = lanes;
		this.args = args;
		this.attacks = [];
		// In MiB: what the memory of a relay may grow by, with AddressSanitizer (redzones, a quarantine of 16 MiB) and without.
		this.growth = growth;
	}

	attack(title, run) {
		this.attacks.push({ title: `${this.name} ${title}`, run });
	}

	// `settings` are those of the whole: relay (the program), late, sanitized, seed and began.
	async open(settings) {
		this.settings = settings;
		this.relay = new Relay();
		await this.relay.open(settings.relay, this.args);
		this.bystanders = new Bystanders();
		await this.bystanders.open(this.ws);
		this.since = performance.now();
		this.before = this.relay.rss();
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

	// What the bystanders noticed, and what became of the relay.
	async close(control) {
		const faults = [];
		if (this.relay.code !== undefined) faults.push(`the relay has left with ${this.relay.code}`);
		else await this.bystanders.newcomer(this.ws).catch((err) => faults.push(`somebody who comes later: ${err.message}`));
		const { late, sanitized, began } = this.settings;
		const last = await this.bystanders.settle(late);
		const after = this.relay.rss();
		clearInterval(this.timer);
		this.bystanders.leaving = true;
		faults.push(...this.bystanders.trouble.map((line) => `bystander: ${line}`));
		faults.push(...this.relay.lines.map((line) => `the relay about a bystander: ${line}`));
		faults.push(...this.bystanders.judge(last, late + 2 * control.bystanders.lateness(this.since), began));
		const bound = sanitized ? this.growth.asan : this.growth.plain;
		const grown = this.most - this.before;
		if (grown > bound) faults.push(`memory grew by ${grown.toFixed(0)} MiB, ${bound} are allowed`);
		await this.bystanders.close();
		const code = await this.relay.child.end(15_000);
		if (code !== 0) faults.push(`the relay's exit code is ${code}`);
		if (this.relay.reports.length > 0) faults.push(`the relay said:\n\t\t${this.relay.reports.slice(0, 60).join("\n\t\t")}`);
		this.summary = `${this.bystanders.groups.length} groups, at most ${this.bystanders.latest.toFixed(0)} ms late (${this.bystanders.allowed.toFixed(0)} allowed); memory ${this.before.toFixed(0)} + ${grown.toFixed(0)} MiB (+ ${bound} allowed), ${after.toFixed(0)} at the end`;
		return faults;
	}
	sign() {
		if (this.relay.code !== undefined) throw new Error(`the relay has left with ${this.relay.code}`);
	}
}
