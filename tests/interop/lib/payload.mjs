// Payloads that the other side can compute for itself.
//
// The text "SEED/TRACK/GROUP/FRAME" is hashed with FNV-1a (32 bits); a zero hash becomes 1. The hash is the first state
// of a xorshift32 generator (x ^= x << 13, x ^= x >>> 17, x ^= x << 5). Each state after a step gives four bytes,
// lowest first, until the payload is full.
import { createHash } from "node:crypto";

export function payload(seed, track, group, frame, size) {
	let state = 0x811c9dc5;
	for (const byte of new TextEncoder().encode(`${seed}/${track}/${group}/${frame}`)) {
		state = Math.imul(state ^ byte, 0x01000193) >>> 0;
	}
	if (state === 0) state = 1;

	const words = new DataView(new ArrayBuffer((size + 3) & ~3));
	for (let offset = 0; offset < words.byteLength; offset += 4) {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		words.setUint32(offset, state >>> 0, true);
	}
	return new Uint8Array(words.buffer, 0, size);
}

export function sha256(bytes) {
	return createHash("sha256").update(bytes).digest("hex");
}

export function matches(bytes, seed, track, group, frame) {
	return Buffer.compare(bytes, payload(seed, track, group, frame, bytes.byteLength)) === 0;
}
