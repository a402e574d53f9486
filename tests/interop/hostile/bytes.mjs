// Bytes as qmux and moq-lite have them: numbers are varints, and data of any size begins with its size.
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
export const pack = (...parts) =>
	Buffer.concat(parts.map((part) => (typeof part === "string" ? pack(Buffer.byteLength(part), Buffer.from(part)) : Buffer.isBuffer(part) ? part : varint(part))));
export const message = (...parts) => {
	const body = pack(...parts);
	return pack(body.length, body);
};
export const zeros = (n) => Buffer.alloc(n);
export const byte = (n) => Buffer.from([n]);

export class Reader {
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
