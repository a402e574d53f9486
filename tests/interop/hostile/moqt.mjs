// The messages of MoQ Transport, draft 18, over its streams.
import { breathe } from "../lib/time.mjs";
import { Peer } from "./peer.mjs";
import { stream } from "./qmux.mjs";

// The ones at the beginning of the first byte are as many as the bytes that follow it.
export function vi64(number) {
	let value = BigInt(number);
	let more = 0;
	while (more < 8 && value >> BigInt(7 * (more + 1)) !== 0n) more++;
	const bytes = Buffer.alloc(more + 1);
	for (let i = more; i > 0; i--, value >>= 8n) bytes[i] = Number(value & 255n);
	bytes[0] = ((0xff00 >> more) & 255) | Number(value);
	return bytes;
}
// Numbers are vi64, texts stand behind their length, buffers are as they are.
export const fields = (...parts) =>
	Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.concat([vi64(Buffer.byteLength(part)), Buffer.from(part)]) : Buffer.isBuffer(part) ? part : vi64(part))));
export function control(type, ...parts) {
	const body = fields(...parts);
	return Buffer.concat([vi64(type), Buffer.from([body.length >> 8, body.length & 255]), body]);
}
const space = (parts) => fields(parts.length, ...parts);
// In the order of their types, each with the bytes of its value.
function parameters(list = {}) {
	let before = 0;
	const parts = [];
	for (const [type, value] of Object.entries(list)) {
		for (const one of Array.isArray(value) ? value : [value]) {
			parts.push(Number(type) - before, one);
			before = Number(type);
		}
	}
	return fields(Object.values(list).flat().length, ...parts);
}
export const TOKEN = 0x03;
export const RENDEZVOUS = 0x04;
// A token that is only used, of type 0.
export function token(size) {
	const body = fields(3, 0, Buffer.alloc(size, "x"));
	return fields(body.length, body);
}
export const subscribe = (id, path, track, list) => control(0x03, id, space(path), track, parameters(list));
export const fetchOf = (id, path, track, group) => control(0x16, id, 1, space(path), track, group, 0, group, 0, parameters());
export const publish = (id, path, track, alias, properties = Buffer.alloc(0)) => control(0x1d, id, space(path), track, alias, parameters(), properties);
export const publishNamespace = (id, path) => control(0x06, id, space(path), parameters());
export const subscribeNamespace = (id, path) => control(0x50, id, space(path), parameters());
export const namespaceFound = (path) => control(0x08, space(path));
export const namespaceDone = (path) => control(0x0e, space(path));
export const requestOk = () => control(0x07, parameters());
export const setup = (implementation = "raw") => control(0x2f00, 7, implementation);
// Groups are kept for long.
export const KEPT = fields(4, 24 * 3_600_000);

// The beginning of a stream of a subgroup, with the first object of it to come. With properties, each object has some.
export const subgroup = (alias, group, number = 0, { properties = false } = {}) => fields(0x74 | (properties ? 1 : 0), alias, group, number);
// The object after the one before, or of that number, which comes first.
export const object = (payload, { skipped = 0, properties } = {}) =>
	fields(skipped, ...(properties === undefined ? [] : [properties.length, properties]), payload.length, ...(payload.length === 0 ? [0] : [payload]));
// One property of that size.
export const property = (size) => fields(0x41, size, Buffer.alloc(size));
export const datagram = (alias, group, number, payload) => fields(0x08, alias, group, number, payload);

// A peer that says its SETUP, and numbers its requests.
export class MoqtPeer extends Peer {
	#requests = 0;
	#streams = 1;
	// `implementation` is what its SETUP says.
	static async to(room, { implementation, ...how } = {}) {
		const peer = await super.to(room, "ws", { ...how, setup: false, protocol: "moqt-18" });
		await peer.until(() => peer.theirs, "parameters");
		await peer.write(2, setup(implementation));
		return peer;
	}
	// Returns the stream of a request, which `make(id)` gives.
	ask(make, how) {
		const id = 4 * this.#requests;
		this.send(stream(id, make(2 * this.#requests++), how));
		return id;
	}
	get asked() {
		return this.#requests;
	}
	// Waits for credit.
	async openUni(bytes, fin = true) {
		const index = this.#streams++;
		if (index >= this.allowed.uni) await this.until(() => index < this.allowed.uni, "credit for streams", 30_000);
		await this.write(4 * index + 2, bytes, fin);
		return 4 * index + 2;
	}
	// One after the other, without waiting for each to be sent.
	async openMany(count, make) {
		for (let i = 0; i < count; i++) {
			const index = this.#streams++;
			if (index >= this.allowed.uni) await this.until(() => index < this.allowed.uni, "credit for streams", 30_000);
			const bytes = make(i);
			this.told.data += bytes.length;
			this.send(stream(4 * index + 2, bytes, { fin: true }));
			if (i % 50 === 49) await this.drained();
			if (i % 500 === 499) await breathe();
		}
	}
	answered(id) {
		return this.stream(id).size > 0 || this.stream(id).reset !== undefined;
	}
	// The first message of an answer: its type, and the number with which it refuses.
	answer(id) {
		const bytes = this.bytes(id);
		if (bytes.length === 0) return `reset ${this.stream(id).reset}`;
		if (bytes[0] !== 5) return `type ${bytes[0]}`;
		return `refused ${bytes[3]}`;
	}
	// How many of the first requests were answered in which way.
	async answers(count, limit = 30_000) {
		const ids = Array.from({ length: count }, (_, i) => 4 * i);
		await this.until(() => ids.every((id) => this.answered(id)), `answers to ${count}`, limit).catch((err) => {
			throw new Error(`${err.message}: ${ids.filter((id) => this.answered(id)).length} came`);
		});
		return this.ways(count);
	}
	ways(count) {
		const ways = new Map();
		for (let id = 0; id < 4 * count; id += 4) {
			const how = this.answered(id) ? this.answer(id) : "nothing";
			ways.set(how, (ways.get(how) ?? 0) + 1);
		}
		return [...ways].map(([how, n]) => `${how} x ${n}`).join(", ");
	}
	// Whether the session still works: a group of the bystander comes. It has such a subscription once.
	async works() {
		const before = new Set(this.streams.keys());
		this.ask((id) => subscribe(id, ["room", "stander"], "t0"));
		await this.until(() => [...this.streams].some(([n, s]) => (n & 3) === 3 && !before.has(n) && s.fin), "a group of the bystander");
		return "goes on";
	}
}
