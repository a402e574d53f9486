// The processes of a scenario. Their output becomes events: a peer's line is an object, and a relay's is one of its log.
import { Child, packagePeer } from "../lib/child.mjs";

const fits = (event, fields) => Object.entries(fields).every(([name, value]) => event[name] === value);

class Process extends Child {
	#waiting = new Set();
	lines = [];
	events = [];

	constructor(name, program, args, stream) {
		super(program, args, { stream, stdin: "pipe", onLine: (line) => this.#hear(line), onExit: () => this.#look() });
		this.name = name;
		this.command = [program, ...args].join(" ");
	}

	#hear(line) {
		this.lines.push(line);
		const event = this.parse(line);
		if (event) this.events.push(event);
		this.#look();
	}
	#look() {
		for (const check of [...this.#waiting]) check();
	}

	// One command, as of --do.
	say(command) {
		this.write(`${command}\n`);
	}
	leave() {
		this.endInput();
	}

	all(event, fields = {}) {
		return this.events.filter((e) => e.event === event && fits(e, fields));
	}

	// Waits until `count` events have come, and returns them.
	until(event, fields = {}, count = 1) {
		return new Promise((resolve, reject) => {
			const check = () => {
				const found = this.all(event, fields);
				if (found.length < count && this.code === undefined) return;
				this.#waiting.delete(check);
				if (found.length >= count) resolve(found);
				else reject(new Error(`${this.name} left before ${count} x ${event} ${JSON.stringify(fields)}, there were ${found.length}`));
			};
			this.#waiting.add(check);
			check();
		});
	}

	whole() {
		return [`--- ${this.name}: ${this.command}`, ...this.lines, this.errors, `(exit ${this.code})`, ""].join("\n");
	}
	// As much of its output as a failure needs.
	text() {
		const short = (line) => (line.length > 400 ? `${line.slice(0, 400)}...` : line);
		const lines = this.lines.length > 60 ? [...this.lines.slice(0, 20), "...", ...this.lines.slice(-40)] : this.lines;
		const errors = this.errors.split("\n").filter((line) => line !== "");
		return [`--- ${this.name}: ${this.command}`, ...lines.map(short), ...errors.slice(0, 60).map((line) => `! ${short(line)}`), `(exit ${this.code})`].map((line) => `       ${line}`).join("\n");
	}
}

export class Peer extends Process {
	// `kind` is js or c++; `program` is that of c++.
	constructor(kind, name, program, args) {
		super(name, ...(kind === "js" ? packagePeer(args) : [program, args]), "stdout");
		this.kind = kind;
	}
	parse(line) {
		return JSON.parse(line);
	}
}

export class Relay extends Process {
	constructor(name, program, args) {
		super(name, program, args, "stderr");
		this.kind = "relay";
	}
	// A line of its log: words, most of them NAME=VALUE or NAME="VALUE".
	parse(line) {
		const fields = Object.fromEntries([...line.matchAll(/(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g)].map((m) => [m[1], m[2].replace(/^"|"$/g, "")]));
		return fields.event ? fields : undefined;
	}
	async url(scheme = "ws") {
		for (let n = 1; ; n++) {
			const found = (await this.until("listening", {}, n)).find((e) => e.url.startsWith(`${scheme}:`));
			if (found) return found.url;
		}
	}
}
