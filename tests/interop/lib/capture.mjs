// Writes down every WebSocket message of one socket, and the handshake, as JSON.
import { writeFileSync } from "node:fs";
import { frames } from "./wire.mjs";

const LIMIT = 512;

export class Capture {
	#file;
	#began = performance.now();
	#record = { handshake: {}, messages: [] };

	constructor(file, role) {
		this.#file = file;
		this.#record.role = role;
		process.on("exit", () => this.save());
	}

	handshake(fields) {
		Object.assign(this.#record.handshake, fields);
	}

	note(text) {
		this.#record.messages.push({ ms: this.#now(), from: "socket", note: text });
	}

	#now() {
		return Math.round((performance.now() - this.#began) * 10) / 10;
	}

	#add(from, data) {
		const ms = this.#now();
		if (typeof data === "string") {
			this.#record.messages.push({ ms, from, text: data });
			return;
		}
		const bytes = Uint8Array.from(Buffer.from(data));
		const hex = Buffer.from(bytes.subarray(0, LIMIT)).toString("hex");
		this.#record.messages.push({
			ms,
			from,
			size: bytes.byteLength,
			hex: bytes.byteLength > LIMIT ? `${hex}...` : hex,
			frames: frames(bytes),
		});
	}

	// `local` and `remote` are the names of the two ends in the record.
	attach(socket, local, remote) {
		const send = socket.send.bind(socket);
		socket.send = (data, ...rest) => {
			this.#add(local, data);
			return send(data, ...rest);
		};
		socket.prependListener("message", (data, binary) => this.#add(remote, binary ? data : String(data)));
		socket.prependListener("close", (code, reason) => {
			this.note(`WebSocket closed, code ${code}${reason.length ? ` ${reason}` : ""}`);
		});
	}

	save() {
		writeFileSync(this.#file, `${JSON.stringify(this.#record, null, "\t")}\n`);
	}
}
