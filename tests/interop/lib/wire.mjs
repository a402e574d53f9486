// Puts the frames of one qmux record into words, for captures. It has its own parser, not the package's.

function reader(bytes) {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let at = 0;
	return {
		get left() {
			return bytes.byteLength - at;
		},
		varint() {
			const width = 1 << (view.getUint8(at) >> 6);
			let value = BigInt(view.getUint8(at) & 0x3f);
			for (let i = 1; i < width; i++) value = (value << 8n) | BigInt(view.getUint8(at + i));
			at += width;
			return value;
		},
		take(size) {
			const part = bytes.subarray(at, at + Number(size));
			if (part.byteLength !== Number(size)) throw new Error("truncated");
			at += part.byteLength;
			return part;
		},
	};
}

function streamName(id) {
	return `${id} (${id & 1n ? "server" : "client"} ${id & 2n ? "uni" : "bidi"})`;
}

const PARAMETERS = new Map([
	[0x01n, "idle_timeout_ms"],
	[0x04n, "max_data"],
	[0x05n, "stream_data_bidi_local"],
	[0x06n, "stream_data_bidi_remote"],
	[0x07n, "stream_data_uni"],
	[0x08n, "streams_bidi"],
	[0x09n, "streams_uni"],
	[0x1dn, "reset_stream_at"],
	[0x20n, "max_datagram_frame"],
	[0x0571c59429cd0845n, "max_record_size"],
]);

function parameters(bytes) {
	const r = reader(bytes);
	const out = [];
	while (r.left > 0) {
		const id = r.varint();
		const value = r.take(r.varint());
		const name = PARAMETERS.get(id) ?? `0x${id.toString(16)}`;
		out.push(value.byteLength === 0 ? name : `${name}=${reader(value).varint()}`);
	}
	return out.join(" ");
}

function hex(bytes, limit = 64) {
	const text = Buffer.from(bytes.subarray(0, limit)).toString("hex");
	return bytes.byteLength > limit ? `${text}... (${bytes.byteLength} bytes)` : text;
}

function frame(r) {
	const type = r.varint();
	if (type === 0n) return "PADDING";
	if (type >= 0x08n && type <= 0x0fn) {
		const id = r.varint();
		const offset = type & 4n ? r.varint() : 0n;
		const data = r.take(type & 2n ? r.varint() : r.left);
		return `STREAM ${streamName(id)} offset=${offset} size=${data.byteLength}${type & 1n ? " FIN" : ""} ${hex(data)}`.trimEnd();
	}
	switch (type) {
		case 0x04n:
			return `RESET_STREAM ${streamName(r.varint())} code=${r.varint()} final_size=${r.varint()}`;
		case 0x05n:
			return `STOP_SENDING ${streamName(r.varint())} code=${r.varint()}`;
		case 0x10n:
			return `MAX_DATA ${r.varint()}`;
		case 0x11n:
			return `MAX_STREAM_DATA ${streamName(r.varint())} ${r.varint()}`;
		case 0x12n:
			return `MAX_STREAMS bidi ${r.varint()}`;
		case 0x13n:
			return `MAX_STREAMS uni ${r.varint()}`;
		case 0x14n:
			return `DATA_BLOCKED ${r.varint()}`;
		case 0x15n:
			return `STREAM_DATA_BLOCKED ${streamName(r.varint())} ${r.varint()}`;
		case 0x16n:
			return `STREAMS_BLOCKED bidi ${r.varint()}`;
		case 0x17n:
			return `STREAMS_BLOCKED uni ${r.varint()}`;
		case 0x1cn: {
			const code = r.varint();
			const cause = r.varint();
			return `CONNECTION_CLOSE code=${code} frame_type=${cause} reason="${Buffer.from(r.take(r.varint()))}"`;
		}
		case 0x1dn: {
			const code = r.varint();
			return `APPLICATION_CLOSE code=${code} reason="${Buffer.from(r.take(r.varint()))}"`;
		}
		case 0x30n:
			return `DATAGRAM ${hex(r.take(r.left))}`;
		case 0x31n:
			return `DATAGRAM ${hex(r.take(r.varint()))}`;
		case 0x3f5153300d0a0d0an:
			return `TRANSPORT_PARAMETERS ${parameters(r.take(r.varint()))}`;
		case 0x348c67529ef8c7bdn:
			return `PING_REQUEST ${r.varint()}`;
		case 0x348c67529ef8c7ben:
			return `PING_RESPONSE ${r.varint()}`;
		default:
			throw new Error(`unknown frame 0x${type.toString(16)}`);
	}
}

export function frames(bytes) {
	const r = reader(bytes);
	const out = [];
	try {
		while (r.left > 0) out.push(frame(r));
	} catch (err) {
		out.push(`UNREADABLE ${err.message}`);
	}
	return out;
}
