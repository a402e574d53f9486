#!/usr/bin/env node
// Peers that mean no good, over real sockets, against the relay of the examples, while a well-behaved publisher and subscriber
// (peer.mjs) run beside them and must not notice.
//
//   node hostile.mjs --relay PROGRAM [--only REGEX] [--list] [--seed N] [--late MS]
//
//   --relay PROGRAM   the relay; one with AddressSanitizer has wider bounds of memory
//   --only REGEX      the attacks whose title matches
//   --list            prints the titles and runs nothing
//   --seed N          of what is random (default: of the clock; it is printed)
//   --late MS         so much later than the fastest one a group may reach the subscriber (default 2000, twice that with
//                     AddressSanitizer), and twice as much more as it is in a relay that nobody attacks, which runs beside them:
//                     a machine can have other things to do
//
// The attacks are in rooms: each has a relay and bystanders of its own, and its attacks run side by side. A room goes well if
// each attacker gets the end that it should, every group of the bystanders arrives whole and in time, somebody who comes after
// it all is served, the relay's memory (VmRSS, looked at ten times a second) has grown by no more than the room's bound, and the
// relay leaves with 0 when it is asked to, with no report of a sanitizer. Exit code: 0 all went well, 1 not, 2 usage.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const PEER = fileURLToPath(new URL("./peer.mjs", import.meta.url));
// Of one attack, and of everything.
const LIMIT = 90_000;
const LIMIT_OF_ALL = 420_000;

function usage(message) {
	process.stderr.write(`${message}\nSee the top of hostile.mjs.\n`);
	process.exit(2);
}

let options;
let only;
try {
	options = parseArgs({
		options: {
			relay: { type: "string" },
			only: { type: "string", default: "" },
			list: { type: "boolean", default: false },
			seed: { type: "string", default: String(Date.now() % 1_000_000) },
			late: { type: "string" },
		},
	}).values;
	only = new RegExp(options.only);
} catch (err) {
	usage(err.message);
}
if (!options.list && !existsSync(options.relay ?? "")) usage(`--relay: there is no ${options.relay}`);
for (const name of ["seed", "late"]) {
	if (options[name] !== undefined && !/^\d+$/.test(options[name])) usage(`--${name} wants a number`);
}

const SANITIZED = !options.list && readFileSync(options.relay).includes("__asan_init");
const LATE = Number(options.late ?? (SANITIZED ? 4000 : 2000));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const breathe = () => new Promise((resolve) => setImmediate(resolve));
const upTo = (n) => [...Array(n).keys()];

// ---- what is random

function generator(seed) {
	let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
	return (below) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % below;
	};
}

// ---- bytes

function varint(number) {
	if (typeof number === "number" && number < 0x40000000) {
		if (number < 0x40) return Buffer.from([number]);
		const bytes = Buffer.allocUnsafe(number < 0x4000 ? 2 : 4);
		if (number < 0x4000) bytes.writeUInt16BE(number | 0x4000);
		else bytes.writeUInt32BE((number | 0x80000000) >>> 0);
		return bytes;
	}
	const bytes = Buffer.allocUnsafe(8);
	bytes.writeBigUInt64BE(BigInt(number) | (3n << 62n));
	return bytes;
}
// Numbers are varints, texts stand behind their length, buffers are as they are.
const pack = (...parts) =>
	Buffer.concat(parts.map((part) => (typeof part === "string" ? pack(Buffer.byteLength(part), Buffer.from(part)) : Buffer.isBuffer(part) ? part : varint(part))));
const message = (...parts) => {
	const body = pack(...parts);
	return pack(body.length, body);
};
const zeros = (n) => Buffer.alloc(n);
const byte = (n) => Buffer.from([n]);

const PARAMETERS = 0x3f5153300d0a0d0an;
const PROTOCOLS = 0x3d4f9c2a8b1e6075n;
const MAX_RECORD = 0x0571c59429cd0845n;
const PING = 0x348c67529ef8c7bdn;
const PONG = 0x348c67529ef8c7ben;
const FIRST_RECORD = 16_382;

const stream = (id, data = "", { offset = 0, fin = false } = {}) => pack(fin ? 0x0f : 0x0e, id, offset, data.length, Buffer.from(data));
const reset = (id, code = 0, size = 0) => pack(0x04, id, code, size);
const stop = (id, code = 0) => pack(0x05, id, code);
const ping = (n) => pack(PING, n);
const parameter = (id, ...value) => pack(id, message(...value));
const parametersOf = (list) => pack(PARAMETERS, message(...list));
const PLENTY = 2 ** 29;
// All the credit that there is, unless `limits` says less.
function usualParameters(kind, limits = {}) {
	const numbers = { 1: 30_000, 4: PLENTY, 5: PLENTY, 6: PLENTY, 7: PLENTY, 8: PLENTY, 9: PLENTY, 32: 1500, ...limits };
	const list = Object.entries(numbers).filter(([, n]) => n !== 0).map(([id, n]) => parameter(Number(id), n));
	if (kind === "tcp") list.push(parameter(PROTOCOLS, "moq-lite-05"));
	return list;
}
const setup = (...parameters) => pack(1, message(parameters.length, ...parameters));
const subscribe = (id, path, track, { priority = 0, ordered = 0, latency = 5000, start = 0, end = 0 } = {}) =>
	pack(2, message(id, path, track, byte(priority), byte(ordered), latency, start, end));
const fetchOf = (path, track, group) => pack(3, message(path, track, byte(0), group));
const trackOf = (path, track) => pack(6, message(path, track));
const announce = (active, suffix, hops = []) => message(active ? 1 : 0, suffix, hops.length, ...hops);

class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}
	get left() {
		return this.bytes.length - this.at;
	}
	number() {
		const first = this.bytes[this.at];
		if (first === undefined) throw new RangeError("cut off");
		const width = 1 << (first >> 6);
		if (this.left < width) throw new RangeError("cut off");
		const at = this.at;
		this.at += width;
		if (width === 1) return first;
		if (width === 2) return this.bytes.readUInt16BE(at) & 0x3fff;
		if (width === 4) return this.bytes.readUInt32BE(at) & 0x3fffffff;
		const big = this.bytes.readBigUInt64BE(at) & ((1n << 62n) - 1n);
		return big <= 0x1fffffffffffffn ? Number(big) : big;
	}
	take(size) {
		if (this.left < size) throw new RangeError("cut off");
		this.at += size;
		return this.bytes.subarray(this.at - size, this.at);
	}
	text() {
		return this.take(this.number()).toString();
	}
}

// ---- a peer, as bad as it is told to be

const UPGRADE = (draft, path) =>
	`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: qmux-${draft}.moq-lite-05\r\n\r\n`;
const SENT_AT_ONCE = 16_000;
const sockets = new Set();

class Peer {
	#socket;
	#input = Buffer.alloc(0);
	#checks = new Set();
	#open; // of a WebSocket: the upgrade is done
	#sent = new Map(); // by stream
	#began = performance.now();

	// `kind` is tcp, ws (qmux-02) or ws1 (qmux-01); with raw nothing at all is said.
	static async to(room, kind, { hello = true, setup: says = true, limits, raw = false, deaf = false, mute = false } = {}) {
		const peer = new Peer(room, kind, limits);
		peer.mute = mute;
		await peer.#connected;
		if (raw) return peer;
		if (kind !== "tcp") {
			peer.raw(Buffer.from(UPGRADE(kind === "ws" ? "02" : "01", "/")));
			await peer.until(() => peer.#open, "the upgrade");
		}
		if (deaf) peer.#socket.pause();
		if (hello) peer.send(parametersOf(usualParameters(kind, limits)));
		if (hello && says) peer.setup();
		return peer;
	}

	#connected;
	constructor(room, kind, limits) {
		this.kind = kind;
		this.limits = limits ?? {};
		this.streams = new Map();
		this.theirs = undefined; // parameters, by number
		this.records = 0;
		this.received = 0;
		this.pongs = 0;
		this.allowed = { data: 0, bidi: 0, uni: 0, streams: new Map() };
		this.told = { data: 0 };
		this.over = undefined;
		const { port } = new URL(kind === "tcp" ? room.tcp : room.ws);
		this.#socket = dial({ port: Number(port), host: "127.0.0.1", noDelay: true });
		sockets.add(this.#socket);
		this.#connected = new Promise((resolve, reject) => {
			this.#socket.once("connect", resolve);
			this.#socket.once("error", reject);
		});
		this.#connected.catch(() => {});
		this.#socket.on("data", (chunk) => this.#come(chunk));
		this.#socket.on("error", (err) => {
			this.broken = err.code;
		});
		this.#socket.on("close", () => {
			sockets.delete(this.#socket);
			this.over = { ms: performance.now() - this.#began };
			this.#look();
		});
	}

	setup() {
		this.send(stream(2, setup(parameter(5, 1 + Math.floor(Math.random() * 2 ** 40))), { fin: true }));
	}
	raw(bytes) {
		if (!this.#socket.destroyed) this.#socket.write(bytes);
	}
	end() {
		this.#socket.end();
	}
	destroy() {
		this.#socket.destroy();
	}
	// Frames, as one record.
	send(...frames) {
		const frame = frames.length === 1 ? frames[0] : Buffer.concat(frames);
		this.raw(this.kind === "tcp" ? pack(frame.length, frame) : framed(frame));
	}
	async drained() {
		if (!this.#socket.writableNeedDrain) return;
		await new Promise((resolve) => {
			const go = () => {
				this.#socket.off("drain", go);
				this.#socket.off("close", go);
				resolve();
			};
			this.#socket.on("drain", go);
			this.#socket.on("close", go);
		});
	}
	async flood(frames, records) {
		for (let i = 0; i < records && !this.over && !this.said; i++) {
			this.send(typeof frames === "function" ? frames(i) : frames);
			await this.drained();
			if (i % 64 === 63) await breathe();
		}
	}

	// Of the stream's credit, and the connection's.
	#room(id) {
		const own = this.allowed.streams.get(id) ?? this.theirs?.[id & 2 ? 7 : id & 1 ? 5 : 6] ?? 0;
		return Math.min(own - (this.#sent.get(id) ?? 0), this.allowed.data - this.told.data, SENT_AT_ONCE);
	}
	async write(id, data, fin = false, limit = LIMIT) {
		let at = 0;
		do {
			if (at < data.length && this.#room(id) <= 0) await this.until(() => this.#room(id) > 0, `credit on ${id}`, limit);
			const part = data.subarray(at, at + Math.max(0, this.#room(id)));
			const offset = this.#sent.get(id) ?? 0;
			this.#sent.set(id, offset + part.length);
			this.told.data += part.length;
			at += part.length;
			this.send(stream(id, part, { offset, fin: fin && at === data.length }));
			await this.drained();
		} while (at < data.length);
	}

	// Waits; fails when the connection is over.
	until(condition, what, ms = 20_000) {
		return new Promise((resolve, reject) => {
			const leave = (go, value) => {
				clearTimeout(timer);
				this.#checks.delete(check);
				go(value);
			};
			const check = () => {
				if (condition()) leave(resolve);
				else if (this.over) leave(reject, new Error(`over (${this.outcome()}) before ${what}`));
			};
			const timer = setTimeout(() => leave(reject, new Error(`no ${what} in ${ms} ms`)), ms);
			this.#checks.add(check);
			check();
		});
	}
	ended(ms = 20_000) {
		return new Promise((resolve, reject) => {
			const check = () => {
				if (!this.over) return;
				clearTimeout(timer);
				this.#checks.delete(check);
				resolve(this.outcome());
			};
			const timer = setTimeout(() => {
				this.#checks.delete(check);
				this.destroy();
				reject(new Error(`not ended in ${ms} ms${this.said ? ` after ${this.said}` : ""}`));
			}, ms);
			this.#checks.add(check);
			check();
		});
	}
	outcome() {
		return this.http ?? this.said ?? this.goodbye ?? "quiet";
	}
	stream(id) {
		let found = this.streams.get(id);
		if (!found) this.streams.set(id, (found = { data: [], size: 0, fin: false, reset: undefined, stop: undefined }));
		return found;
	}
	bytes(id) {
		return Buffer.concat(this.stream(id).data);
	}

	#look() {
		for (const check of [...this.#checks]) check();
	}
	#come(chunk) {
		this.received += chunk.length;
		this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
		try {
			while (this.#input.length > 0 && this.#next());
		} catch (err) {
			if (!(err instanceof RangeError)) throw err;
		}
		this.#look();
	}
	#next() {
		if (this.kind !== "tcp" && !this.#open) {
			if (this.http) this.#input = Buffer.alloc(0);
			const end = this.#input.indexOf("\r\n\r\n");
			if (end < 0) return false;
			const status = Number(this.#input.subarray(9, 12).toString());
			if (status !== 101) this.http = `http ${status}`;
			else this.#open = true;
			this.#input = this.#input.subarray(end + 4);
			return status === 101;
		}
		const reader = new Reader(this.#input);
		if (this.kind === "tcp") {
			const frames = reader.take(reader.number());
			this.#input = this.#input.subarray(reader.at);
			this.#record(frames);
			return true;
		}
		const [head] = reader.take(1);
		let [size] = reader.take(1);
		if (size === 126) size = reader.take(2).readUInt16BE();
		else if (size === 127) size = Number(reader.take(8).readBigUInt64BE());
		const payload = reader.take(size);
		this.#input = this.#input.subarray(reader.at);
		const opcode = head & 15;
		if (opcode === 2) this.#record(payload);
		else if (opcode === 8) {
			this.goodbye = payload.length >= 2 ? `ws ${payload.readUInt16BE()}` : "ws";
			this.end();
		} else if (opcode === 9) this.raw(framed(payload, 10));
		else if (opcode === 10) this.pongs++;
		return true;
	}
	#record(bytes) {
		const reader = new Reader(bytes);
		this.records++;
		while (reader.left > 0) this.#frame(reader);
	}
	#frame(r) {
		const type = r.number();
		if (type >= 0x08 && type <= 0x0f) {
			const found = this.stream(r.number());
			if (type & 4) r.number();
			const data = r.take(type & 2 ? r.number() : r.left);
			found.size += data.length;
			// Of what is long only the beginning matters.
			if (found.size < 65_536) found.data.push(Buffer.from(data));
			if (type & 1) found.fin = true;
			return;
		}
		switch (type) {
			case 0x00:
				return;
			case 0x04: {
				const found = this.stream(r.number());
				found.reset = r.number();
				r.number();
				return;
			}
			case 0x05: {
				const found = this.stream(r.number());
				found.stop = r.number();
				return;
			}
			case 0x10:
				this.allowed.data = Math.max(this.allowed.data, r.number());
				return;
			case 0x11:
				this.allowed.streams.set(r.number(), r.number());
				return;
			case 0x12:
				this.allowed.bidi = r.number();
				return;
			case 0x13:
				this.allowed.uni = r.number();
				return;
			case 0x1c: {
				const code = r.number();
				r.number();
				this.said = `close ${code}`;
				this.reason = r.text();
				this.end();
				return;
			}
			case 0x1d:
				this.said = `app ${r.number()}`;
				this.reason = r.text();
				this.end();
				return;
			case 0x30:
				return void r.take(r.left);
			case 0x31:
				return void r.take(r.number());
		}
		if (type === PARAMETERS) {
			const list = new Reader(r.take(r.number()));
			const theirs = {};
			while (list.left > 0) {
				const id = list.number();
				const value = list.take(list.number());
				if (id !== PROTOCOLS && value.length > 0) theirs[id] = new Reader(value).number();
			}
			this.theirs = theirs;
			this.allowed.data = theirs[4];
			this.allowed.bidi = theirs[8];
			this.allowed.uni = theirs[9];
		} else if (type === PING) {
			const answer = pack(PONG, r.number());
			if (!this.mute) this.send(answer);
		}
		else if (type === PONG) {
			r.number();
			this.pongs++;
		} else throw new Error(`the relay sent a frame of type ${type}`);
	}
}

// A message of WebSocket, masked with zeros.
function framed(payload, opcode = 2, { fin = true, mask = true, size = payload.length, bits = 0 } = {}) {
	const head = [(fin ? 0x80 : 0) | bits | opcode];
	const bit = mask ? 0x80 : 0;
	if (size < 126) head.push(bit | size);
	else if (size < 65_536) head.push(bit | 126, size >> 8, size & 255);
	else {
		const long = Buffer.alloc(8);
		long.writeBigUInt64BE(BigInt(size));
		head.push(bit | 127, ...long);
	}
	if (mask) head.push(0, 0, 0, 0);
	return Buffer.concat([Buffer.from(head), payload]);
}

// ---- processes

const children = new Set();
const killAll = () => {
	for (const child of children) child.kill("SIGKILL");
};
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
	process.on(signal, () => {
		killAll();
		process.exit(1);
	});
}

function start(program, args, stream, onLine, env = process.env) {
	const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env });
	const it = { child, code: undefined, errors: "" };
	children.add(child);
	createInterface({ input: child[stream] }).on("line", onLine);
	const other = stream === "stdout" ? child.stderr : child.stdout;
	other.setEncoding("utf8").on("data", (text) => {
		it.errors += text;
	});
	it.exit = new Promise((resolve) => {
		child.on("error", (err) => {
			it.errors += err;
		});
		child.on("close", (code, signal) => {
			children.delete(child);
			it.code = code ?? signal;
			resolve(it.code);
		});
	});
	return it;
}
async function leave(it, ms) {
	it.child.kill("SIGTERM");
	await Promise.race([it.exit, sleep(ms)]);
	if (it.code === undefined) it.child.kill("SIGKILL");
	return await it.exit;
}

// ---- rooms

const MIB = 1 << 20;

class Room {
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

	async open() {
		this.lines = [];
		this.reports = [];
		const { promise, resolve } = opened();
		const urls = [];
		const env = { ...process.env };
		env.ASAN_OPTIONS = `${env.ASAN_OPTIONS ? `${env.ASAN_OPTIONS}:` : ""}quarantine_size_mb=16`;
		const listen = ["--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"];
		this.relay = start(
			options.relay,
			[...listen, "--threads", "2", "--log", "warning", ...this.args, "--log", "info"],
			"stderr",
			(line) => {
				if (line.startsWith("time=") && !/Sanitizer|runtime error/.test(line)) {
					const found = /event=listening url=(\S+)/.exec(line);
					if (found && urls.push(found[1].replaceAll('"', "")) === 2) resolve();
					// The bystanders are the first two.
					if (/event=session_closed id=[12] /.test(line)) this.lines.push(line);
					return;
				}
				this.reports.push(line);
			},
			env,
		);
		void this.relay.exit.then(resolve);
		await promise;
		if (urls.length !== 2) throw new Error(`the relay does not listen: ${this.reports.join(" | ")}`);
		[this.tcp, this.ws] = [urls.find((u) => u.startsWith("tcp")), urls.find((u) => u.startsWith("ws"))];

		this.written = [];
		this.groups = [];
		this.trouble = [];
		const watch = (list, event) => (line) => {
			const said = JSON.parse(line);
			if (said.event === event) list.push({ group: said.group, ms: said.ms, ok: said.ok !== false && !said.error, at: performance.now() });
			else if (["fault", "closed", "unhandled", "track-end", "produce-error"].includes(said.event) && !this.leaving)
				this.trouble.push(line.slice(0, 200));
		};
		this.publisher = start(
			process.execPath,
			[PEER, "publish", this.ws, "--broadcast", "room/stander", "--groups", "0", "--rate", "20", "--size", "1000", "--begin", "now", "--finish", "never", "--latency", "30000"],
			"stdout",
			watch(this.written, "group-written"),
		);
		while (this.written.length < 3 && this.publisher.code === undefined) await sleep(50);
		this.subscriber = start(
			process.execPath,
			[PEER, "subscribe", this.ws, "--broadcast", "room/stander", "--tracks", "1", "--detail", "group", "--stay", "--timeout", "600000"],
			"stdout",
			watch(this.groups, "group"),
		);
		const began = performance.now();
		while (this.groups.length < 20) {
			if (performance.now() - began > 20_000) throw new Error(`the bystanders do not begin: ${this.publisher.errors}${this.subscriber.errors}`);
			await sleep(50);
		}
		this.since = performance.now();
		this.before = this.rss();
		this.most = this.before;
		this.timer = setInterval(() => {
			this.most = Math.max(this.most, this.rss());
		}, 100);
	}

	rss() {
		try {
			const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.relay.child.pid}/status`, "utf8"));
			return found ? Number(found[1]) / 1024 : 0;
		} catch {
			return 0;
		}
	}

	// What the bystanders noticed, and what became of the relay.
	async close() {
		const faults = [];
		if (this.relay.code !== undefined) faults.push(`the relay has left with ${this.relay.code}`);
		else await this.newcomer().catch((err) => faults.push(`somebody who comes later: ${err.message}`));
		// What is on its way gets its time.
		const last = this.written.at(-1)?.group ?? 0;
		for (let i = 0; i < LATE / 50 && (this.groups.at(-1)?.group ?? -1) < last; i++) await sleep(50);
		this.after = this.rss();
		clearInterval(this.timer);
		this.leaving = true;
		faults.push(...this.trouble.map((line) => `bystander: ${line}`));
		faults.push(...this.lines.map((line) => `the relay about a bystander: ${line}`));
		faults.push(...this.judge(last));
		const bound = SANITIZED ? this.growth.asan : this.growth.plain;
		const grown = this.most - this.before;
		if (grown > bound) faults.push(`memory grew by ${grown.toFixed(0)} MiB, ${bound} are allowed`);
		await Promise.all([leave(this.publisher, 3000), leave(this.subscriber, 3000)]);
		const code = await leave(this.relay, 15_000);
		if (code !== 0) faults.push(`the relay's exit code is ${code}`);
		if (this.reports.length > 0) faults.push(`the relay said:\n\t\t${this.reports.slice(0, 60).join("\n\t\t")}`);
		this.summary = `${this.groups.length} groups, at most ${this.latest.toFixed(0)} ms late (${this.allowed.toFixed(0)} allowed); memory ${this.before.toFixed(0)} + ${grown.toFixed(0)} MiB (+ ${bound} allowed), ${this.after.toFixed(0)} at the end`;
		return faults;
	}
	judge(last) {
		const faults = [];
		this.latest = 0;
		const written = new Map(this.written.map((g) => [g.group, g.ms]));
		const seen = new Map();
		for (const group of this.groups) {
			if (seen.has(group.group)) faults.push(`group ${group.group} came twice`);
			if (!group.ok) faults.push(`group ${group.group} is not whole`);
			seen.set(group.group, group.ms);
		}
		const first = Math.min(...seen.keys());
		const missing = upTo(last + 1 - first).map((i) => first + i).filter((n) => !seen.has(n));
		if (missing.length > 0) faults.push(`${missing.length} groups are missing: ${missing.slice(0, 10).join(" ")}`);
		const ways = [...seen].filter(([n]) => written.has(n)).map(([n, ms]) => ms - written.get(n));
		const fastest = Math.min(...ways);
		this.latest = Math.max(...ways) - fastest;
		this.allowed = LATE + 2 * (control?.lateness(this.since) ?? 0);
		const late = [...seen].filter(([n, ms]) => written.has(n) && ms - written.get(n) - fastest > this.allowed);
		for (const [n, ms] of late.slice(0, 3)) {
			const at = this.groups.find((g) => g.group === n).at - began;
			faults.push(`group ${n} came ${(ms - written.get(n) - fastest).toFixed(0)} ms late, ${(at / 1000).toFixed(1)} s after the beginning (${late.length} such)`);
		}
		return faults.slice(0, 8);
	}
	// Of all that has come since then.
	lateness(since) {
		const written = new Map(this.written.map((g) => [g.group, g.ms]));
		const ways = this.groups.filter((g) => written.has(g.group)).map((g) => ({ at: g.at, way: g.ms - written.get(g.group) }));
		const fastest = Math.min(...ways.map(({ way }) => way));
		return Math.max(0, ...ways.filter(({ at }) => at > since).map(({ way }) => way - fastest));
	}
	async newcomer() {
		const it = start(
			process.execPath,
			[PEER, "subscribe", this.ws, "--broadcast", "room/stander", "--tracks", "1", "--detail", "group", "--expect", "5", "--timeout", "10000"],
			"stdout",
			() => {},
		);
		const code = await Promise.race([it.exit, sleep(15_000)]);
		if (code === undefined) it.child.kill("SIGKILL");
		if (code !== 0) throw new Error(`exit code ${code}`);
	}
	sign() {
		if (this.relay.code !== undefined) throw new Error(`the relay has left with ${this.relay.code}`);
	}
}

function opened() {
	let resolve;
	const promise = new Promise((go) => {
		resolve = go;
	});
	return { promise, resolve };
}

function same(got, want, what) {
	const wanted = Array.isArray(want) ? want : [want];
	if (!wanted.includes(got)) throw new Error(`${what}: got ${got}, want ${wanted.join(" or ")}`);
}
async function expectEnd(peer, want, { within = 5000, after = 0 } = {}) {
	const got = await peer.ended(within);
	same(got, want, peer.reason ? `the end (${peer.reason})` : "the end");
	if (peer.over.ms < after) throw new Error(`ended after ${peer.over.ms.toFixed(0)} ms already`);
	return `${got} after ${peer.over.ms.toFixed(0)} ms`;
}
// Whether the session still works: a group of the bystander comes.
async function works(peer, id = 400, track = "t0") {
	const before = new Set(peer.streams.keys());
	peer.send(stream(id, subscribe(77, "room/stander", track)));
	await peer.until(() => [...peer.streams].some(([n, s]) => (n & 3) === 3 && !before.has(n) && s.fin), "a group of the bystander");
	peer.send(stream(id, "", { offset: subscribe(77, "room/stander", track).length, fin: true }));
	return "goes on";
}
async function refused(peer, id, bytes, code, fin = false) {
	await peer.write(id, bytes, fin);
	await peer.until(() => peer.stream(id).reset !== undefined || peer.stream(id).fin, `an answer on ${id}`);
	same(peer.stream(id).reset, code, `RESET of ${id}`);
	return `reset ${code}`;
}

const KINDS = ["tcp", "ws"];
const rooms = [];
function room(...args) {
	const made = new Room(...args);
	rooms.push(made);
	return made;
}

// ---- rules: one offence each

const rules = room("rules", { plain: 96, asan: 400 }, ["--path-allow", "room"], 24);

// Frames that end the connection, each kind of connection in turn.
function offence(title, want, frames, how = {}) {
	for (const kind of how.kinds ?? KINDS) {
		rules.attack(`${title} (${kind})`, async (r) => {
			const peer = await Peer.to(r, kind, how);
			await peer.until(() => peer.theirs, "parameters");
			for (const part of typeof frames === "function" ? frames(kind) : [frames]) peer.send(part);
			const ended = await expectEnd(peer, want, how);
			return ended;
		});
	}
}
const early = { setup: false };

offence("frame of an unknown type", "close 10", pack(0x40, 1));
offence("ACK of QUIC", "close 10", pack(0x02, 0, 0, 0, 0));
offence("NEW_CONNECTION_ID of QUIC", "close 10", pack(0x18, 0));
offence("frame that goes beyond its record", "close 7", pack(0x0e, 0, 0, 100, zeros(3)));
offence("frame that is cut in a number", "close 7", Buffer.from([0x0e, 0x40]));
offence("parameters twice", "close 10", parametersOf([]), { kinds: ["tcp", "ws"] });
offence("STREAM before the parameters", "close 10", stream(2, setup()), { hello: false });
offence("PING before the parameters", "close 10", ping(0), { hello: false });
for (const [title, list] of [
	["a parameter twice", [parameter(4, 1), parameter(4, 1)]],
	["an unknown parameter twice", [parameter(0x99, 1), parameter(0x99, 1)]],
	["a number that is cut", [pack(4, 1, Buffer.from([0x40]))]],
	["a value beyond the frame", [pack(4, 200, 1)]],
	["2^60 + 1 streams", [parameter(8, 2n ** 60n + 1n)]],
	["records of 100 bytes", [parameter(MAX_RECORD, 100)]],
	["65 parameters", upTo(65).map((i) => parameter(100 + i, 1))],
	...[0, 2, 3, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10].map((id) => [`the forbidden parameter ${id}`, [parameter(id, 1)]]),
])
	offence(`parameters: ${title}`, "close 8", (kind) => [parametersOf([...(kind === "tcp" ? [parameter(PROTOCOLS, "moq-lite-05")] : []), ...list])], { hello: false });
offence("parameters: no protocol", "close 376", parametersOf([parameter(4, 1)]), { hello: false, kinds: ["tcp"] });
offence("parameters: another protocol", "close 376", parametersOf([parameter(PROTOCOLS, "moq-lite-99")]), { hello: false, kinds: ["tcp"] });

offence("data on a stream that the relay never opened", "close 5", stream(4001, "x"));
offence("data on the relay's unidirectional stream", "close 5", stream(3, "x"));
offence("STOP_SENDING on one's own unidirectional stream", "close 5", stop(2));
offence("MAX_STREAM_DATA for one's own unidirectional stream", "close 5", pack(0x11, 2, 1000));
offence("RESET of the relay's unidirectional stream", "close 5", reset(3));
offence("bidirectional stream beyond the limit", "close 4", stream(4 * 1_000_000, "x"));
offence("unidirectional stream beyond the limit", "close 4", stream(2 + 4 * 1_000_000, "x"));
offence("stream with the largest id", "close 4", stream(2n ** 62n - 4n, "x"));
offence("RESET of a stream beyond the limit", "close 4", reset(4 * 1_000_000));
offence("more streams than the relay tells", "close 4", stream(4 * 1024, "x"), early);

const blocks = (id, total) => upTo(Math.ceil(total / 16_000)).map((i) => stream(id, zeros(Math.min(16_000, total - i * 16_000)), { offset: i * 16_000 }));
offence("data beyond the stream's credit", "close 3", () => [...blocks(0, 262_144), stream(0, "x", { offset: 262_144 })], early);
offence("data beyond the connection's credit", "close 3", () => [...[0, 4, 8, 12].flatMap((id) => blocks(id, 262_144)), stream(16, "x")], early);
offence("RESET with a final size beyond the credit", "close 3", reset(0, 0, 262_145), early);
offence("RESET with the largest final size", "close 3", reset(0, 0, 2n ** 62n - 1n), early);
offence("data after FIN", "close 6", () => [stream(0, "x", { fin: true }), stream(0, "y", { offset: 1 })], early);
offence("FIN twice with another size", "close 6", () => [stream(0, "x", { fin: true }), stream(0, "", { offset: 0, fin: true })], early);
offence("RESET after FIN with another size", "close 6", () => [stream(0, "x", { fin: true }), reset(0, 0, 2)], early);
offence("data with a gap", "close 10", () => [stream(0, "x"), stream(0, "y", { offset: 2 })], early);
offence("data again", "close 10", () => [stream(0, "xx"), stream(0, "x", { offset: 1 })], early);
offence("data at the end of what a stream can be", "close 10", stream(0, "xx", { offset: 2n ** 62n - 1n }), early);
offence("MAX_STREAMS beyond 2^60", "close 7", pack(0x12, 2n ** 60n + 1n));
offence("datagram that is too large", "close 10", pack(0x31, 2000, zeros(2000)));
offence("datagram that is too large, without a length", "close 10", pack(0x30, zeros(2000)));

offence("SETUP twice", "app 15", stream(6, setup(), { fin: true }));
offence("SETUP with a parameter twice", "app 5", stream(2, setup(parameter(5, 1), parameter(5, 1)), { fin: true }), early);
offence("SETUP with 65 parameters", "app 5", stream(2, setup(...upTo(65).map((i) => parameter(100 + i, 1))), { fin: true }), early);
offence("SETUP with 2^40 parameters", "app 5", stream(2, pack(1, message(2 ** 40)), { fin: true }), early);
offence("SETUP that is cut", "app 5", stream(2, setup(parameter(5, 1)).subarray(0, 3), { fin: true }), early);
offence("SETUP with something behind it", "app 5", stream(2, pack(setup(), 0), { fin: true }), early);
offence("SETUP with role 3", "app 5", stream(2, setup(parameter(3, 3)), { fin: true }), early);
offence("SETUP of 1 GiB", "app 5", stream(2, pack(1, 2 ** 30)), early);

// What a record cannot be.
const raw = (title, kind, want, bytes, how = {}) =>
	rules.attack(title, async (r) => {
		const peer = await Peer.to(r, kind, how);
		for (const part of [bytes].flat()) peer.raw(part);
		if (how.cut) peer.end();
		return await expectEnd(peer, want, how);
	});
raw("record of 1 GiB (tcp)", "tcp", "close 7", pack(2 ** 30));
raw("record of 2^62 - 1 (tcp)", "tcp", "close 7", pack(2n ** 62n - 1n));
raw("record of one byte too many (tcp)", "tcp", "close 7", pack(FIRST_RECORD + 1));
raw("record without frames (tcp)", "tcp", "close 7", pack(0));
raw("record that is cut (tcp)", "tcp", "quiet", pack(100, zeros(50)), { cut: true });
raw("size of a record that is cut (tcp)", "tcp", "quiet", Buffer.from([0x80]), { cut: true });
raw("first bytes of TLS (tcp)", "tcp", "app 3", Buffer.from("1603010200010001fc0303", "hex"), { raw: true, within: 16_000, after: 8000 });
raw("a whole hello of TLS (tcp)", "tcp", ["close 10", "close 7"], pack(Buffer.from("1603010200010001fc0303", "hex"), zeros(506)), { raw: true });
// Which begins like a record of 1861 bytes.
raw("HTTP (tcp)", "tcp", "app 3", Buffer.from(UPGRADE("02", "/")), { raw: true, within: 16_000, after: 8000 });
raw("HTTP that is long (tcp)", "tcp", ["close 10", "close 7"], Buffer.from(UPGRADE("02", `/${"x".repeat(2000)}`)), { raw: true });
raw("message of one byte too many (ws)", "ws", "ws 1009", framed(zeros(FIRST_RECORD + 1)));
raw("message of 2^62 (ws)", "ws", "ws 1009", framed(zeros(1), 2, { size: 2n ** 62n }));
raw("message of 1 GiB (ws)", "ws", "ws 1009", framed(zeros(1), 2, { size: 2 ** 30 }));
raw("message of too many parts (ws)", "ws", "ws 1009", [framed(zeros(10_000), 2, { fin: false }), framed(zeros(10_000), 0)]);
raw("message without frames (ws)", "ws", "close 10", framed(zeros(0)));
raw("text (ws)", "ws", "ws 1003", framed(Buffer.from("hello"), 1));
raw("without a mask (ws)", "ws", "ws 1002", framed(ping(0), 2, { mask: false }));
raw("reserved bits (ws)", "ws", "ws 1002", framed(ping(0), 2, { bits: 0x40 }));
raw("reserved opcode (ws)", "ws", "ws 1002", framed(ping(0), 3));
raw("ping of 126 bytes (ws)", "ws", ["ws 1002", "ws"], framed(zeros(126), 9));
raw("ping in two parts (ws)", "ws", ["ws 1002", "ws"], framed(zeros(1), 9, { fin: false }));
raw("continuation of nothing (ws)", "ws", "ws 1002", framed(zeros(1), 0));
raw("message within a message (ws)", "ws", "ws 1002", [framed(zeros(1), 2, { fin: false }), framed(zeros(1), 2)]);
raw("close frame of one byte (ws)", "ws", ["ws 1002", "ws"], framed(zeros(1), 8));
raw("message that is cut (ws)", "ws", ["quiet", "ws 1000"], framed(zeros(10), 2, { size: 100 }), { cut: true });

// HTTP.
const http = (title, want, text, how = {}) => raw(`HTTP: ${title}`, "ws", want, Buffer.from(text, "latin1"), { raw: true, ...how });
http("nonsense", "http 400", "hello there\r\n\r\n");
http("TLS", "http 400", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
http("a preface of HTTP/2", "http 505", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
http("a head without an end", "http 431", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}`);
http("a line without an end", "http 431", "x".repeat(20_000));
http("1000 fields", "http 431", `GET / HTTP/1.1\r\nHost: a\r\n${"X: y\r\n".repeat(1000)}\r\n`);
http("no host", "http 400", "GET / HTTP/1.1\r\n\r\n");
http("two hosts", "http 400", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
http("a space before the colon", "http 400", "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
http("a folded line", "http 400", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n");
http("line feeds only", "quiet", "GET / HTTP/1.1\nHost: a\n\n", { within: 14_000, after: 8000 });
http("no file", "http 404", "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
http("an upgrade without a key", "http 400", UPGRADE("02", "/").replace(/Sec-WebSocket-Key.*\r\n/, ""));
http("an upgrade with a bad key", "http 400", UPGRADE("02", "/").replace("dGhl", "!!!!"));
http("an upgrade to another version", "http 426", UPGRADE("02", "/").replace("Version: 13", "Version: 8"));
http("an upgrade to another draft", "http 400", UPGRADE("99", "/"));
http("an upgrade by POST", "http 400", UPGRADE("02", "/").replace("GET", "POST"));
http("an upgrade to what is no path", "http 403", UPGRADE("02", `/${"a".repeat(5000)}`));
http("an upgrade to a path that is not allowed", "http 403", UPGRADE("02", "/elsewhere"));
http("a head that is cut", "quiet", "GET / HT", { cut: true });
rules.attack("HTTP: 3000 requests on one connection", async (r) => {
	const peer = await Peer.to(r, "ws", { raw: true });
	peer.raw(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2999)));
	peer.raw(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
	return await expectEnd(peer, "http 404", { within: 15_000 });
});

// What resets a stream, and nothing else.
for (const kind of [...KINDS, "ws1"]) {
	const session = (title, run) =>
		rules.attack(`${title} (${kind})`, async (r) => {
			const peer = await Peer.to(r, kind);
			const said = await run(peer, r);
			await works(peer);
			peer.destroy();
			return said;
		});
	session("unknown unidirectional stream", async (peer) => {
		peer.send(stream(6, pack(0x33, 1, 2, 3)));
		await peer.until(() => peer.stream(6).stop !== undefined, "STOP_SENDING");
		same(peer.stream(6).stop, 10, "STOP_SENDING");
		return "stop 10";
	});
	session("unknown bidirectional stream", async (peer) => await refused(peer, 0, pack(0x33, 1, 2, 3), 10));
	session("streams that end before they begin", async (peer) => {
		for (const i of upTo(20)) peer.send(stream(i * 4, "", { fin: true }), stream(6 + i * 4, "", { fin: true }));
		return "nothing";
	});
	session("credit that shrinks", async (peer) => {
		await peer.until(() => peer.stream(1).size > 0, "a stream of the relay's");
		peer.send(pack(0x10, 1), pack(0x12, 0), pack(0x13, 0), pack(0x11, 1, 1), stream(0, pack(9)), pack(0x11, 0, 1));
		return "nothing";
	});
	session("datagrams of nobody", async (peer) => {
		for (const i of upTo(200)) peer.send(pack(0x31, message(i, i, i, "x")), pack(0x31, 1, byte(i & 0xff)), pack(0x30));
		return "nothing";
	});
	session("group of a subscription that nobody made", async (peer) => {
		for (const i of upTo(50)) peer.send(stream(6 + 4 * i, pack(0, message(i, i), 0, 1, "x")));
		await peer.until(() => upTo(50).every((i) => peer.stream(6 + 4 * i).stop !== undefined), "STOP_SENDING");
		same([...new Set(upTo(50).map((i) => peer.stream(6 + 4 * i).stop))].join(), "0", "STOP_SENDING");
		return "stop 0";
	});
	session("requests that cannot be read", async (peer) => {
		const cut = subscribe(1, "room/stander", "t0");
		await refused(peer, 0, pack(2, message(1, "room/stander", "t0", byte(0), byte(7), 0, 0, 0)), 5);
		await refused(peer, 4, pack(2, message(cut.subarray(2), 0)), 5);
		await refused(peer, 8, pack(2, 16_385, zeros(100)), 5);
		await refused(peer, 12, pack(6, message(200, "x")), 5);
		await refused(peer, 16, cut.subarray(0, 9), 5, true);
		await refused(peer, 20, pack(6, message("room/\xff\xfe".repeat(1), Buffer.from([1, 0xff]))), 5);
		return "reset 5";
	});
	session("paths that are none", async (peer) => {
		await refused(peer, 0, subscribe(1, "a".repeat(5000), "t0"), 15);
		await refused(peer, 4, trackOf("a".repeat(5000), "t0"), 15);
		await refused(peer, 8, fetchOf("a".repeat(5000), "t0", 0), 15);
		return "reset 15";
	});
	session("a path that is not allowed", async (peer) => {
		await refused(peer, 0, subscribe(1, "elsewhere/x", "t0"), 6);
		await refused(peer, 4, trackOf("elsewhere/x", "t0"), 6);
		await refused(peer, 8, fetchOf("elsewhere/x", "t0", 0), 6);
		await refused(peer, 12, subscribe(1, "roomy/stander", "t0"), 6);
		await refused(peer, 16, subscribe(1, "", "t0"), 6);
		await peer.write(20, pack(1, message("elsewhere", 0)));
		await peer.until(() => peer.stream(20).size > 2, "ANNOUNCE_OK");
		const answer = new Reader(peer.bytes(20));
		answer.number();
		answer.number();
		same(answer.number(), 0, "active announcements of elsewhere");
		return "reset 6, nothing announced";
	});
	session("a path where nothing is", async (peer) => {
		await refused(peer, 0, subscribe(1, "room/none", "t0"), 13);
		await refused(peer, 4, trackOf("room/none", "t0"), 13);
		await refused(peer, 8, fetchOf("room/none", "t0", 0), 13);
		return "reset 13";
	});
}

// The relay's first question for announcements: its stream, and below what it asks.
async function announcing(r, kind, limits) {
	const peer = await Peer.to(r, kind, { limits });
	await peer.until(() => peer.stream(1).size > 3, "ANNOUNCE_REQUEST");
	const question = new Reader(peer.bytes(1));
	same(question.number(), 1, "type of the stream");
	question.number();
	peer.prefix = question.text();
	peer.send(pack(0x10, PLENTY));
	await peer.write(1, message(424_242, 0));
	return peer;
}
for (const kind of KINDS) {
	const offer = (title, want, bytes) =>
		rules.attack(`ANNOUNCE: ${title} (${kind})`, async (r) => {
			const peer = await announcing(r, kind);
			same(peer.prefix, "room", "what is asked for");
			await peer.write(1, bytes(`of/${kind}/${title.length}`));
			if (want) return await expectEnd(peer, want);
			const said = await works(peer);
			peer.destroy();
			return said;
		});
	offer("ended for an unknown path", "app 15", () => announce(false, "nobody"));
	offer("ended twice", "app 15", (path) => pack(announce(true, path), announce(false, path), announce(false, path)));
	offer("40 hops", "app 5", (path) => announce(true, path, upTo(40)));
	offer("2^40 hops", "app 5", (path) => message(1, path, 2 ** 40));
	offer("status 2", "app 5", (path) => message(2, path, 0));
	offer("a message of 1 MiB", "app 5", () => pack(1 << 20));
	offer("text that is no UTF-8", "app 5", () => message(1, 2, Buffer.from([0xff, 0xfe]), 0));
	offer("32 hops", undefined, (path) => announce(true, path, upTo(32)));
	offer("names that are no paths", undefined, () => pack(...["", "/", "//", "a//b", "/a/", "..", "\0", "\n"].map((name) => announce(true, name))));
	offer("a path of 5000 bytes, which ends", undefined, () => pack(announce(true, "a".repeat(5000)), announce(false, "a".repeat(5000))));
	offer("the path of the bystander's neighbour", undefined, () => announce(true, "stander/x"));
}

// Who says nothing, or little.
const SILENCE = { within: 16_000, after: 8000 };
for (const kind of KINDS) {
	rules.attack(`20 half-open connections (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { raw: true })));
		const said = await Promise.all(peers.map((peer) => expectEnd(peer, kind === "tcp" ? "app 3" : "quiet", SILENCE)));
		return said[0];
	});
	rules.attack(`20 sessions without SETUP (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { setup: false })));
		const pinging = setInterval(() => peers.forEach((peer) => peer.over || peer.send(ping(1))), 500);
		const said = await Promise.all(peers.map((peer) => expectEnd(peer, "app 3", SILENCE))).finally(() => clearInterval(pinging));
		return said[0];
	});
	rules.attack(`20 sessions without parameters (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { hello: false })));
		const said = await Promise.all(peers.map((peer) => expectEnd(peer, "app 3", SILENCE)));
		return said[0];
	});
	rules.attack(`50 drips: parameters (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind, { hello: false })));
		const frame = parametersOf([...usualParameters(kind), parameter(0x999, zeros(500))]);
		const record = kind === "tcp" ? pack(frame.length, frame) : framed(frame);
		const said = await Promise.all(peers.map((peer) => drip(peer, record).then(() => expectEnd(peer, "app 3", SILENCE))));
		return said[0];
	});
	rules.attack(`50 drips: SETUP (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind, { setup: false })));
		const bytes = setup(parameter(9, zeros(500)));
		const said = await Promise.all(
			peers.map(async (peer) => {
				for (let i = 0; i < bytes.length && !peer.over && !peer.said; i++) {
					peer.send(stream(2, bytes.subarray(i, i + 1), { offset: i }));
					await sleep(100);
				}
				return await expectEnd(peer, "app 3", SILENCE);
			}),
		);
		return said[0];
	});
	rules.attack(`50 drips: SUBSCRIBE (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(50).map(() => Peer.to(r, kind)));
		const bytes = subscribe(5, "room/stander", "t0");
		await Promise.all(
			peers.map(async (peer) => {
				for (const i of upTo(bytes.length)) {
					peer.send(stream(0, bytes.subarray(i, i + 1), { offset: i }));
					await sleep(100);
				}
				await peer.until(() => peer.stream(0).size > 0, "SUBSCRIBE_OK");
				peer.destroy();
			}),
		);
		return "served";
	});
	rules.attack(`20 records that never end (${kind})`, async (r) => {
		const peers = await Promise.all(upTo(20).map(() => Peer.to(r, kind, { limits: { 1: 4000 }, mute: true })));
		const record = kind === "tcp" ? pack(1000, zeros(300)) : framed(zeros(300), 2, { size: 1000 });
		const said = await Promise.all(peers.map((peer) => drip(peer, record, 50).then(() => expectEnd(peer, ["quiet", "ws 1000"], { within: 15_000, after: 3500 }))));
		return said[0];
	});
}
async function drip(peer, bytes, pause = 100) {
	for (let i = 0; i < bytes.length && !peer.over && !peer.said; i++) {
		peer.raw(bytes.subarray(i, i + 1));
		await sleep(pause);
	}
}
rules.attack("100 drips: a head of HTTP", async (r) => {
	const peers = await Promise.all(upTo(100).map(() => Peer.to(r, "ws", { raw: true })));
	const head = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(1000)}`);
	const said = await Promise.all(peers.map((peer) => drip(peer, head).then(() => expectEnd(peer, "quiet", SILENCE))));
	return said[0];
});
rules.attack("silent sessions are asked, and left after the idle time", async (r) => {
	const peer = await Peer.to(r, "tcp", { limits: { 1: 3000 }, deaf: true });
	await sleep(5000);
	const sent = peer.received;
	peer.destroy();
	return `${sent} bytes were read`;
});

// ---- floods: as much as goes, of what is cheap to send

const floods = room("floods", { plain: 160, asan: 600 });
const FLOOD = 3000;

// Opens stream after stream, as fast as the relay gives credit.
async function openAndEnd(r, kind, frames, uni = false) {
	const peer = await Peer.to(r, kind);
	await peer.until(() => peer.theirs, "parameters");
	const end = performance.now() + FLOOD;
	let next = uni ? 1 : 0;
	const most = () => (uni ? peer.allowed.uni : peer.allowed.bidi);
	while (performance.now() < end) {
		if (next >= most()) await peer.until(() => next < most(), "credit for streams", 10_000);
		const batch = [];
		for (let size = 0; next < most() && size < 8000; next++) {
			const part = frames(next * 4 + (uni ? 2 : 0), next);
			size += part.length;
			batch.push(part);
		}
		peer.send(...batch);
		await peer.drained();
		for (const id of peer.streams.keys()) if ((id & 1) === 0) peer.streams.delete(id);
		await breathe();
	}
	await peer.until(() => uni || next < peer.allowed.bidi, "credit for one more", 10_000);
	const said = await works(peer, uni ? 400 : next * 4);
	peer.destroy();
	return `${next} streams, ${said}`;
}
for (const kind of KINDS) {
	floods.attack(`streams: opened and reset (${kind})`, (r) => openAndEnd(r, kind, (id) => pack(stream(id, byte(2)), reset(id, 0, 1))));
	floods.attack(`streams: SUBSCRIBE and reset (${kind})`, (r) =>
		openAndEnd(r, kind, (id, i) => {
			const bytes = subscribe(i, "room/stander", "t0");
			return pack(stream(id, bytes), stop(id), reset(id, 0, bytes.length));
		}),
	);
	floods.attack(`streams: reset at once (${kind})`, (r) => openAndEnd(r, kind, (id) => pack(stop(id), reset(id))));
	floods.attack(`streams: groups of nobody (${kind})`, (r) => openAndEnd(r, kind, (id, i) => stream(id, pack(0, message(i, i), 0, 1, "x"), { fin: true }), true));
	floods.attack(`pings (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.flood(Buffer.concat(upTo(1000).map(ping)), 300);
		const said = await works(peer);
		peer.destroy();
		return `${peer.pongs} answers to 300000, ${said}`;
	});
	floods.attack(`pings, and nothing is read (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind, { deaf: true });
		const end = performance.now() + FLOOD;
		const record = Buffer.concat(upTo(1000).map(ping));
		while (performance.now() < end) {
			peer.send(record);
			await Promise.race([peer.drained(), sleep(500)]);
			await breathe();
		}
		peer.destroy();
		return "nothing";
	});
	floods.attack(`padding and credit (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.flood((i) => pack(zeros(8000), ...upTo(500).map(() => pack(0x10, PLENTY + i)), ...upTo(500).map(() => pack(0x14, i))), 1000);
		const said = await works(peer);
		peer.destroy();
		return said;
	});
}
floods.attack("pings of WebSocket", async (r) => {
	const peer = await Peer.to(r, "ws");
	const many = Buffer.concat(upTo(200).map((i) => framed(zeros(i % 125), 9)));
	for (let i = 0; i < 500; i++) {
		peer.raw(many);
		await peer.drained();
	}
	const said = await works(peer);
	peer.destroy();
	return `${peer.pongs} answers to 100000, ${said}`;
});
floods.attack("pings of WebSocket, and nothing is read", async (r) => {
	const peer = await Peer.to(r, "ws", { deaf: true });
	const many = Buffer.concat(upTo(200).map(() => framed(zeros(125), 9)));
	const end = performance.now() + FLOOD;
	while (performance.now() < end) {
		peer.raw(many);
		await Promise.race([peer.drained(), sleep(500)]);
	}
	peer.destroy();
	return "nothing";
});

// ---- requests

const requests = room("requests", { plain: 256, asan: 800 });
function asking(title, make, codes) {
	for (const kind of KINDS) {
		requests.attack(`${title} (${kind})`, async (r) => {
			const peer = await Peer.to(r, kind);
			await peer.until(() => peer.theirs, "parameters");
			const end = performance.now() + FLOOD;
			const seen = new Map();
			let next = 0;
			let over = 0;
			const sweep = () => {
				for (const [id, s] of peer.streams) {
					if ((id & 3) !== 0 || (s.reset === undefined && !s.fin)) continue;
					const how = s.reset ?? "fin";
					seen.set(how, (seen.get(how) ?? 0) + 1);
					peer.streams.delete(id);
					over++;
				}
			};
			while (performance.now() < end) {
				await peer.until(() => next < peer.allowed.bidi && next - over < 500, "answers", 15_000).catch((err) => {
					throw new Error(`${err.message} (${next} asked, ${over} answered, ${[...seen]})`);
				});
				const batch = [];
				for (let i = 0; i < 40 && next < peer.allowed.bidi; i++, next++) batch.push(stream(next * 4, make(next), { fin: true }));
				peer.send(...batch);
				await peer.drained();
				sweep();
				if (next - over >= 500) await peer.until(() => (sweep(), next - over < 500), "answers", 15_000);
				await breathe();
			}
			await peer.until(() => (sweep(), next === over), `answers to ${next}`, 20_000).catch((err) => {
				throw new Error(`${err.message}: ${over} came`);
			});
			for (const how of seen.keys()) same(how, codes, "the answer");
			peer.destroy();
			return `${over} answers: ${[...seen].map(([how, n]) => `${how} x ${n}`).join(", ")}`;
		});
	}
}
asking("TRACK where nothing is", (i) => trackOf(`no/${i}`, "t0"), [13]);
asking("FETCH where nothing is", (i) => fetchOf(`no/${i}`, "t0", i), [13]);
asking("TRACK of the bystander's", () => trackOf("room/stander", "t0"), ["fin"]);
// SUBSCRIBE with FIN is taken for leaving: it is left open here.
for (const kind of KINDS) {
	requests.attack(`SUBSCRIBE where nothing is (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		const end = performance.now() + FLOOD;
		let next = 0;
		let over = 0;
		while (performance.now() < end) {
			peer.send(...upTo(40).map(() => stream(next * 4, subscribe(next, `no/${next++}`, "t0"))));
			await peer.until(() => {
				for (const [id, s] of peer.streams) {
					if ((id & 3) !== 0 || s.reset === undefined) continue;
					same(s.reset, 13, "RESET");
					peer.send(reset(id, 0, 0));
					peer.streams.delete(id);
					over++;
				}
				return next - over < 400 && next + 40 < peer.allowed.bidi;
			}, "answers", 15_000);
			await breathe();
		}
		peer.destroy();
		return `${over} x reset 13`;
	});
}
requests.attack("1000 SUBSCRIBE of the bystander's track, with credit", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(1000)) peer.send(stream(i * 4, subscribe(i, "room/stander", "t0")));
	await sleep(3000);
	let groups = 0;
	for (const [id, s] of peer.streams) if ((id & 3) === 3 && s.fin) groups++;
	peer.destroy();
	return `${groups} groups`;
});
requests.attack("1000 SUBSCRIBE of the bystander's track, without credit", async (r) => {
	const peer = await Peer.to(r, "tcp", { limits: { 9: 1 } });
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(1000)) peer.send(stream(i * 4, subscribe(i, "room/stander", "t0")));
	await sleep(12_000);
	peer.destroy();
	return "nothing";
});
requests.attack("SUBSCRIBE_UPDATE again and again", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.write(0, subscribe(1, "room/stander", "t0"));
	const one = message(byte(1), byte(0), 100, 0, 0);
	const many = Buffer.concat(upTo(1000).map(() => one));
	for (const i of upTo(100)) await peer.write(0, many);
	const said = await works(peer);
	peer.destroy();
	return said;
});
requests.attack("ANNOUNCE_REQUEST 900 times", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(900)) peer.send(stream(i * 4, pack(1, message("", 0))));
	await peer.until(() => upTo(900).every((i) => peer.stream(i * 4).size > 0), "ANNOUNCE_OK");
	peer.destroy();
	return "900 x OK";
});

// ---- through: what the relay has to ask the bystander itself for

const through = room("through", { plain: 128, asan: 500 });
for (const kind of KINDS) {
	through.attack(`tracks that the bystander does not have (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		for (let i = 0; i < 1000; i += 25) {
			peer.send(...upTo(25).map((n) => stream((i + n) * 4, trackOf("room/stander", `${kind}${i + n}`), { fin: true })));
			await sleep(20);
		}
		const answers = () => upTo(1000).filter((i) => peer.stream(i * 4).reset !== undefined || peer.stream(i * 4).fin).length;
		await peer.until(() => answers() === 1000, "answers", 45_000).catch((err) => {
			throw new Error(`${err.message}: ${answers()} of 1000 came`);
		});
		const codes = new Set(upTo(1000).map((i) => peer.stream(i * 4).reset ?? "fin"));
		peer.destroy();
		return `1000 answers: ${[...codes].join(" ")}`;
	});
	// Nobody says that a group of the future will never come: these wait, for as long as they like.
	through.attack(`groups that the bystander does not have (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		for (let i = 0; i < 1000; i += 25) {
			peer.send(...upTo(25).map((n) => stream((i + n) * 4, fetchOf("room/stander", "t0", 10_000_000 + i + n), { fin: true })));
			await sleep(20);
		}
		await sleep(14_000);
		const said = await works(peer, 4000);
		peer.destroy();
		return said;
	});
}

// ---- announcements

const announcements = room("announcements", { plain: 512, asan: 1200 }, [], 2);
announcements.attack("100,000 paths (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	const all = Buffer.concat(upTo(100_000).map((i) => announce(true, `flood/${i}`)));
	await peer.write(1, all).catch((err) => {
		if (!peer.said) throw err;
	});
	return await expectEnd(peer, "app 6", { within: 60_000 });
});
announcements.attack("the same path 50,000 times (ws)", async (r) => {
	const peer = await announcing(r, "ws");
	await peer.write(1, Buffer.concat(upTo(50_000).map((i) => announce(true, "same", [1000 + i]))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("a path that comes and goes 50,000 times (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	await peer.write(1, Buffer.concat(upTo(50_000).map((i) => pack(announce(true, "to/and/fro"), announce(false, "to/and/fro")))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("20,000 names that are no paths (ws)", async (r) => {
	const peer = await announcing(r, "ws");
	await peer.write(1, Buffer.concat(upTo(20_000).map((i) => announce(true, `${i}/\n\0`.padEnd(100, "/")))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("1000 paths of 4000 bytes, 1000 of 5000 (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	for (const i of upTo(1000)) await peer.write(1, pack(announce(true, `long${i}`.padEnd(4000, "x")), announce(true, `long${i}`.padEnd(5000, "x"))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("who asks for all announcements and reads none (tcp)", async (r) => {
	const peer = await Peer.to(r, "tcp", { limits: { 5: 100 } });
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(50)) peer.send(stream(i * 4, pack(1, message("", 0))));
	await sleep(15_000);
	peer.destroy();
	return "nothing";
});

// ---- media: a publisher that means no good, or a reader

const media = room("media", { plain: 384, asan: 900 }, ["--cache", "64"]);
// A publisher and somebody who has subscribed to it: both peers, and the number of the subscription.
async function channel(r, path, { limits, latency = 5000, kind = "tcp", readers = 1 } = {}) {
	const publisher = await announcing(r, kind);
	await publisher.write(1, announce(true, path));
	const list = [];
	for (const i of upTo(readers)) {
		const reader = await Peer.to(r, "tcp", { limits });
		list.push(reader);
		for (let tries = 0; ; tries++) {
			const id = tries * 4;
			reader.send(stream(id, subscribe(1, path, "t")));
			const asked = () => [...publisher.streams].some(([n, s]) => (n & 3) === 1 && n > 1 && s.size > 3);
			await Promise.race([publisher.until(asked, "a question").catch(() => {}), reader.until(() => reader.stream(id).reset !== undefined, "").catch(() => {})]);
			if (asked()) break;
			if (tries > 20) throw new Error("the relay does not ask for the track");
			await sleep(50);
		}
	}
	let id;
	const answered = new Set();
	await publisher.until(() => {
		for (const [n, s] of publisher.streams) {
			if ((n & 3) !== 1 || n === 1 || s.size < 4 || answered.has(n)) continue;
			const question = new Reader(publisher.bytes(n));
			const type = question.number();
			answered.add(n);
			if (type === 6) publisher.send(stream(n, message(byte(0), byte(0), latency, 1000), { fin: true }));
			if (type === 2) {
				question.number();
				id = question.number();
			}
		}
		return id !== undefined;
	}, "SUBSCRIBE");
	return { publisher, reader: list[0], id, next: 6 };
}
const groupOf = (c, number) => pack(0, message(c.id, number));
const frameOf = (data) => pack(0, data.length, data);
async function uniCredit(c) {
	const { publisher } = c;
	const index = () => (c.next - 2) / 4;
	if (index() >= publisher.allowed.uni) await publisher.until(() => index() < publisher.allowed.uni, "credit for streams", 30_000);
}
async function group(c, number, body, fin = true) {
	await uniCredit(c);
	const id = c.next;
	c.next += 4;
	await c.publisher.write(id, pack(groupOf(c, number), body), fin);
	return id;
}
const gone = (c) => {
	c.publisher.destroy();
	c.reader.destroy();
};
media.attack("two groups with one number", async (r) => {
	const c = await channel(r, "two");
	await group(c, 5, frameOf(zeros(10)), false);
	const id = await group(c, 5, frameOf(zeros(10)), false);
	await c.publisher.until(() => c.publisher.stream(id).stop !== undefined, "STOP_SENDING");
	same(c.publisher.stream(id).stop, 12, "STOP_SENDING");
	await works(c.publisher);
	gone(c);
	return "stop 12";
});
media.attack("frames of 2^40 bytes, 2^62 - 1, 33 MiB", async (r) => {
	const c = await channel(r, "large");
	for (const [i, size] of [2 ** 40, 2n ** 62n - 1n, 33 * MIB].entries()) {
		const id = await group(c, i, pack(0, size, zeros(100)), false);
		await c.publisher.until(() => c.publisher.stream(id).stop !== undefined, "STOP_SENDING");
		same(c.publisher.stream(id).stop, 27, "STOP_SENDING");
	}
	await works(c.publisher);
	gone(c);
	return "stop 27";
});
media.attack("100 frames of 32 MiB that never come", async (r) => {
	const c = await channel(r, "promised");
	for (const i of upTo(100)) await group(c, i, pack(0, 32 * MIB, zeros(100)), false);
	await sleep(2000);
	await works(c.publisher);
	gone(c);
	return "nothing";
});
media.attack("timestamps before the beginning", async (r) => {
	const c = await channel(r, "before");
	const id = await group(c, 0, pack(1, 1, "x"), false);
	await c.publisher.until(() => c.publisher.stream(id).stop !== undefined, "STOP_SENDING");
	same(c.publisher.stream(id).stop, 5, "STOP_SENDING");
	gone(c);
	return "stop 5";
});
media.attack("a group of 200,000 empty frames", async (r) => {
	const c = await channel(r, "frames");
	const id = await group(c, 0, Buffer.alloc(0), false);
	await c.publisher.write(id, zeros(400_000)).catch(() => {});
	await works(c.publisher);
	const code = c.publisher.stream(id).stop;
	gone(c);
	return code === undefined ? "taken, the oldest ones dropped" : `stop ${code}`;
});
media.attack("60,000 groups without a frame, to be kept for ever", async (r) => {
	const c = await channel(r, "empty", { latency: 2 ** 40 });
	for (const i of upTo(60_000)) {
		await uniCredit(c);
		const head = groupOf(c, i);
		c.publisher.send(stream(c.next, head, { fin: true }));
		c.publisher.told.data += head.length;
		c.next += 4;
		if (i % 50 === 0) await c.publisher.drained();
	}
	await sleep(1000);
	const said = await works(c.publisher);
	gone(c);
	return said;
});
media.attack("20,000 groups with gaps between", async (r) => {
	const c = await channel(r, "gaps", { latency: 100 });
	for (const i of upTo(20_000)) {
		await uniCredit(c);
		const head = groupOf(c, i * 1000);
		c.publisher.send(stream(c.next, head, { fin: true }));
		c.publisher.told.data += head.length;
		c.next += 4;
		if (i % 50 === 0) await c.publisher.drained();
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
for (const [title, limits] of [
	["gives no credit", { 4: 0, 7: 0, 9: 0 }],
	["allows streams and no data", { 7: 0 }],
	["allows one stream", { 9: 1 }],
]) {
	media.attack(`128 MiB for a reader that ${title}`, async (r) => {
		const c = await channel(r, `slow/${title.length}`, { limits: { ...limits }, latency: 60_000 });
		const body = frameOf(zeros(1 << 20));
		for (const i of upTo(128)) await group(c, i, body);
		const said = await works(c.publisher);
		gone(c);
		return said;
	});
}
media.attack("64 MiB for a reader that does not read its socket", async (r) => {
	const c = await channel(r, "deaf", { latency: 60_000 });
	const deaf = await Peer.to(r, "tcp", { deaf: true });
	deaf.send(stream(0, subscribe(1, "deaf", "t")));
	const body = frameOf(zeros(1 << 20));
	for (const i of upTo(64)) await group(c, i, body);
	const said = await works(c.publisher);
	deaf.destroy();
	gone(c);
	return said;
});
media.attack("datagrams of nobody's, and too early", async (r) => {
	const c = await channel(r, "datagrams");
	for (const i of upTo(5000)) {
		c.publisher.send(pack(0x31, message(c.id, i, 2n ** 62n - 1n, zeros(1150))));
		await c.publisher.drained();
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
media.attack("the bystander's path, announced by another, who never answers", async (r) => {
	const peer = await announcing(r, "tcp");
	await peer.write(1, announce(true, "room/stander", upTo(20).map((i) => 5000 + i)));
	await sleep(3000);
	peer.destroy();
	return "nothing";
});

// ---- random: 500 at once

const random = room("random", { plain: 384, asan: 1100 });
random.attack("500 connections that do anything", async (r) => {
	const seed = Number(options.seed);
	const ends = new Map();
	await Promise.all(
		upTo(500).map(async (n) => {
			const dice = generator(seed * 1009 + n * 7919 + 1);
			for (let i = 0; i < 5; i++) dice(2);
			const end = await misbehave(r, dice).catch((err) => {
				if (/ECONN|over \(/.test(err.message)) return err.message.slice(0, 40);
				throw err;
			});
			ends.set(end, (ends.get(end) ?? 0) + 1);
		}),
	);
	return `seed ${seed}: ${[...ends].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([end, n]) => `${end} x ${n}`).join(", ")}`;
});
async function misbehave(r, dice) {
	const kind = ["tcp", "ws", "ws1"][dice(3)];
	const noise = (size) => Buffer.from(upTo(size).map(() => dice(256)));
	await sleep(dice(2000));
	const style = dice(8);
	const peer = await Peer.to(r, kind, { raw: style === 0, hello: style !== 1, setup: style !== 2, deaf: style === 3 });
	if (style <= 1) {
		for (const _ of upTo(dice(20))) {
			peer.raw(noise(dice(500)));
			await sleep(dice(50));
		}
	}
	const number = () => [dice(64), dice(16_384), dice(1 << 29), 2n ** 62n - 1n - BigInt(dice(100))][dice(10) < 7 ? 0 : dice(4)];
	const path = () => ["room/stander", "room/none", "", "a".repeat(dice(300)), "room"][dice(5)];
	let next = 0;
	const frames = [
		() => ping(dice(1000)),
		() => zeros(1 + dice(50)),
		() => stream(next++ * 4, subscribe(dice(100), path(), "t0", { start: dice(10), end: dice(20), priority: dice(256) })),
		() => stream(next++ * 4, fetchOf(path(), "t0", dice(3000)), { fin: dice(2) === 0 }),
		() => stream(next++ * 4, trackOf(path(), `t${dice(2)}`), { fin: dice(2) === 0 }),
		() => stream(next++ * 4, pack(1, message(path(), dice(10)))),
		() => stream(next++ * 4, noise(dice(100)), { fin: dice(3) === 0 }),
		() => reset(dice(next + 1) * 4, number(), dice(100)),
		() => stop(dice(next + 1) * 4, number()),
		() => pack(0x10, number()),
		() => pack(0x11, dice(8) * 4, number()),
		() => stream(dice(100), noise(dice(50)), { offset: number() }),
		() => pack(0x31, message(noise(dice(60)))),
		() => noise(1 + dice(30)),
		() => pack(dice(0x40), noise(dice(20))),
		() => pack(0x1d, number(), "goodbye"),
	];
	for (let left = 1 + dice(200); left > 0 && !peer.over && !peer.said; left--) {
		// What breaks rules comes seldom enough to get somewhere.
		const kindOf = dice(100) < 96 ? dice(9) : 9 + dice(7);
		peer.send(frames[kindOf]());
		if (dice(4) === 0) await sleep(dice(60));
	}
	await sleep(dice(500));
	if (dice(2) === 0) peer.end();
	else peer.destroy();
	if (!peer.over) await Promise.race([peer.ended(15_000).catch(() => {}), sleep(15_000)]);
	const end = peer.outcome();
	peer.destroy();
	return end;
}

// ---- all of it

for (const r of rooms) r.attacks = r.attacks.filter(({ title }) => only.test(title));
const wanted = rooms.filter((r) => r.attacks.length > 0);
if (options.list) {
	for (const r of wanted) for (const { title } of r.attacks) process.stdout.write(`${title}\n`);
	process.exit(0);
}
if (wanted.length === 0) usage("--only matches nothing");

const began = performance.now();
let control;
let done = 0;
let failed = 0;
function report(ok, title, text) {
	done++;
	if (!ok) failed++;
	process.stdout.write(`${ok ? "ok  " : "FAIL"} ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${title}: ${text}\n`);
}
async function timed(promise, ms) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms);
	});
	return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
// The attacks of a room, at most so many at once: who comes later finds what the others have left.
async function play(r) {
	try {
		await r.open();
	} catch (err) {
		return report(false, r.name, err.message);
	}
	const left = [...r.attacks].sort((a, b) => /half-open|without|drips|never end|line feeds/.test(b.title) - /half-open|without|drips|never end|line feeds/.test(a.title));
	const lane = async () => {
		for (let one = left.shift(); one; one = left.shift()) {
			try {
				const said = await timed(one.run(r), LIMIT);
				r.sign();
				report(true, one.title, said);
			} catch (err) {
				report(false, one.title, err.stack && !(err instanceof Error && err.message) ? err.stack : err.message);
			}
		}
	};
	await Promise.all(upTo(r.lanes).map(lane));
	const faults = await r.close();
	report(faults.length === 0, `${r.name}, the bystanders and the relay`, [r.summary, ...faults].join("\n\t"));
}

process.on("unhandledRejection", (err) => report(false, "hostile.mjs itself", err.stack));
setTimeout(() => {
	report(false, "everything", `not over after ${LIMIT_OF_ALL} ms`);
	process.exit(1);
}, LIMIT_OF_ALL).unref();
process.stdout.write(`seed ${options.seed}${SANITIZED ? ", AddressSanitizer" : ""}\n`);
control = new Room("control", { plain: 0, asan: 0 });
await control.open().catch((err) => {
	process.stderr.write(`${err.message}\n`);
	process.exit(1);
});
// The patient ones beside the others, of which each wants a machine.
const [patient, ...busy] = wanted[0] === rules ? wanted : [undefined, ...wanted];
await Promise.all([
	patient && play(patient),
	(async () => {
		for (const r of busy) await play(r);
	})(),
]);
for (const socket of sockets) socket.destroy();
process.stdout.write(`${done - failed} of ${done} went well, in ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
process.exit(failed === 0 ? 0 : 1);
