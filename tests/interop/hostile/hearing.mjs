// A peer's knowledge of the relay. It goes on by itself: pings are answered, and a close ends it.
import { pack, Reader } from "./bytes.mjs";
import { PARAMETERS, PING, PONG, PROTOCOLS } from "./qmux.mjs";
import { framed } from "./websocket.mjs";

// A derived class has look(), which is called when something has come, and raw(), send() and end().
export class Hearing {
	#input = Buffer.alloc(0);
	open = false; // of a WebSocket: the upgrade is done
	streams = new Map();
	theirs = undefined; // parameters, by number
	received = 0;
	pongs = 0;
	allowed = { data: 0, bidi: 0, uni: 0, streams: new Map() };

	constructor(kind) {
		this.kind = kind;
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

	come(chunk) {
		this.received += chunk.length;
		this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
		try {
			while (this.#input.length > 0 && this.#next());
		} catch (err) {
			if (!(err instanceof RangeError)) throw err;
		}
		this.look();
	}
	#next() {
		if (this.kind !== "tcp" && !this.open) {
			if (this.http) this.#input = Buffer.alloc(0);
			const end = this.#input.indexOf("\r\n\r\n");
			if (end < 0) return false;
			const status = Number(this.#input.subarray(9, 12).toString());
			if (status !== 101) this.http = `http ${status}`;
			else this.open = true;
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
		while (reader.left > 0) this.#frame(reader);
	}
	#frame(r) {
		const type = r.number();
		if (type >= 0x08 && type <= 0x0f) {
			const found = this.stream(r.number());
			if (type & 4) r.number();
			const data = r.take(type & 2 ? r.number() : r.left);
			found.size += data.length;
			// Of long data only the beginning matters.
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
