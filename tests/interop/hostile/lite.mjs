// The messages of moq-lite on its streams.
import { byte, message, pack } from "./bytes.mjs";

export const setup = (...parameters) => pack(1, message(parameters.length, ...parameters));
export const subscribe = (id, path, track, { priority = 0, ordered = 0, latency = 5000, start = 0, end = 0 } = {}) =>
	pack(2, message(id, path, track, byte(priority), byte(ordered), latency, start, end));
export const fetchOf = (path, track, group) => pack(3, message(path, track, byte(0), group));
export const trackOf = (path, track) => pack(6, message(path, track));
export const announce = (active, suffix, hops = []) => message(active ? 1 : 0, suffix, hops.length, ...hops);
// Those of moq-lite-06: announcements have numbers, 0, 1, 2 and so on.
export const start = (suffix, hops = [1]) => pack(0, message(suffix, hops.length, ...hops, 1, 1));
export const restart = (number, hops) => pack(2, message(number, hops.length, ...hops, 1, 1));
