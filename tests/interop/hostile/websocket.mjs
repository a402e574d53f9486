// WebSocket: the request that begins it, and its messages.
export const UPGRADE = (draft, path, protocol = "moq-lite-05") =>
	`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: qmux-${draft}.${protocol}\r\n\r\n`;

// A message, masked with zeros.
export function framed(payload, opcode = 2, { fin = true, mask = true, size = payload.length, bits = 0 } = {}) {
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
