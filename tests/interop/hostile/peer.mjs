// A peer that is as hostile as it is told to be.
import { connect as dial } from "node:net";
import { breathe } from "../lib/time.mjs";
import { pack } from "./bytes.mjs";
import { Hearing } from "./hearing.mjs";
import { setup } from "./lite.mjs";
import { parameter, parametersOf, stream, usualParameters } from "./qmux.mjs";
import { framed, UPGRADE } from "./websocket.mjs";

export const KINDS = ["tcp", "ws"];
// Of one attack.
export const LIMIT = 90_000;
const SENT_AT_ONCE = 16_000;
const sockets = new Set();
export function closeAll() {
	for (const socket of sockets) socket.destroy();
}

export class Peer extends Hearing {
	#socket;
	#checks = new Set();
	#sent = new Map(); // by stream
	#began = performance.now();

	// `kind` is tcp, ws (qmux-02) or ws1 (qmux-01); with `raw` it sends nothing by itself.
	static async to(room, kind, { hello = true, setup: says = true, limits, raw = false, deaf = false, mute = false, protocol = "moq-lite-05" } = {}) {
		const peer = new this(room, kind, limits);
		peer.mute = mute;
		await peer.#connected;
		if (raw) return peer;
		if (kind !== "tcp") {
			peer.raw(Buffer.from(UPGRADE(kind === "ws" ? "02" : "01", "/", protocol)));
			await peer.until(() => peer.open, "the upgrade");
		}
		if (deaf) peer.stopReading();
		if (hello) peer.send(parametersOf(usualParameters(kind, limits, protocol)));
		if (hello && says) peer.setup();
		return peer;
	}

	#connected;
	constructor(room, kind, limits) {
		super(kind);
		this.limits = limits ?? {};
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
		this.#socket.on("data", (chunk) => this.come(chunk));
		this.#socket.on("error", (err) => {
			this.broken = err.code;
		});
		this.#socket.on("close", () => {
			sockets.delete(this.#socket);
			this.over = { ms: performance.now() - this.#began };
			this.look();
		});
	}

	setup() {
		this.send(stream(2, setup(parameter(5, 1 + Math.floor(Math.random() * 2 ** 40))), { fin: true }));
	}
	raw(bytes) {
		if (!this.#socket.destroyed) this.#socket.write(bytes);
	}
	stopReading() {
		this.#socket.pause();
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

	look() {
		for (const check of [...this.#checks]) check();
	}
	// Waits until the condition holds. `late` gives the message for the end of the time.
	#wait(condition, ms, late) {
		return new Promise((resolve, reject) => {
			const leave = (go, value) => {
				clearTimeout(timer);
				this.#checks.delete(check);
				go(value);
			};
			const check = () => {
				const found = condition();
				if (found instanceof Error) leave(reject, found);
				else if (found) leave(resolve);
			};
			const timer = setTimeout(() => leave(reject, late()), ms);
			this.#checks.add(check);
			check();
		});
	}
	// Fails when the connection is over.
	async until(condition, what, ms = 20_000) {
		const orOver = () => condition() || (this.over && new Error(`over (${this.outcome()}) before ${what}`));
		await this.#wait(orOver, ms, () => new Error(`no ${what} in ${ms} ms`));
	}
	async ended(ms = 20_000) {
		await this.#wait(
			() => this.over,
			ms,
			() => {
				this.destroy();
				return new Error(`not ended in ${ms} ms${this.said ? ` after ${this.said}` : ""}`);
			},
		);
		return this.outcome();
	}
}
