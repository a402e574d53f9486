// The frames of qmux, right ones and wrong ones.
import { message, pack } from "./bytes.mjs";

export const PARAMETERS = 0x3f5153300d0a0d0an;
export const PROTOCOLS = 0x3d4f9c2a8b1e6075n;
export const MAX_RECORD = 0x0571c59429cd0845n;
export const PING = 0x348c67529ef8c7bdn;
export const PONG = 0x348c67529ef8c7ben;
export const FIRST_RECORD = 16_382;

export const stream = (id, data = "", { offset = 0, fin = false } = {}) => pack(fin ? 0x0f : 0x0e, id, offset, data.length, Buffer.from(data));
export const reset = (id, code = 0, size = 0) => pack(0x04, id, code, size);
export const stop = (id, code = 0) => pack(0x05, id, code);
export const ping = (n) => pack(PING, n);
export const parameter = (id, ...value) => pack(id, message(...value));
export const parametersOf = (list) => pack(PARAMETERS, message(...list));
export const PLENTY = 2 ** 29;
// All the credit that is possible, unless `limits` says less.
export function usualParameters(kind, limits = {}, protocol = "moq-lite-05") {
	const numbers = { 1: 30_000, 4: PLENTY, 5: PLENTY, 6: PLENTY, 7: PLENTY, 8: PLENTY, 9: PLENTY, 32: 1500, ...limits };
	const list = Object.entries(numbers).filter(([, n]) => n !== 0).map(([id, n]) => parameter(Number(id), n));
	if (kind === "tcp") list.push(parameter(PROTOCOLS, protocol));
	return list;
}
