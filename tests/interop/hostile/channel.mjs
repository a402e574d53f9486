// A publisher and a subscriber of its track: both are peers that do what the attack wants.
import { upTo } from "../lib/range.mjs";
import { sleep } from "../lib/time.mjs";
import { announcing, shown } from "./announcing.mjs";
import { byte, message, pack, Reader } from "./bytes.mjs";
import { announce, subscribe } from "./lite.mjs";
import { Peer } from "./peer.mjs";
import { stream } from "./qmux.mjs";

// Answers the questions for tracks that have come, and gives the subscriptions among the streams that it has not seen before.
function* takeQuestions(publisher, seen, latency) {
	for (const [n, s] of publisher.streams) {
		if ((n & 3) !== 1 || n === 1 || s.size < 4 || seen.has(n)) continue;
		const question = new Reader(publisher.bytes(n));
		const type = question.number();
		seen.add(n);
		if (type === 6) publisher.send(stream(n, message(byte(0), byte(0), latency, 1000), { fin: true }));
		if (type !== 2) continue;
		question.number();
		yield { id: question.number(), rest: question };
	}
}

// Both, and the number of the subscription.
export async function channel(r, path, { limits, latency = 5000, kind = "tcp", readers = 1 } = {}) {
	const publisher = await announcing(r, kind);
	await publisher.write(1, announce(true, path));
	const list = [];
	for (const i of upTo(readers)) {
		const reader = await Peer.to(r, "tcp", { limits });
		list.push(reader);
		for (let tries = 0; ; tries++) {
			const id = tries * 4;
			reader.send(stream(id, subscribe(1, path, "t")));
			// Not a request for the announcements once more (1).
			const asked = () => [...publisher.streams].some(([n, s]) => (n & 3) === 1 && n > 1 && s.size > 3 && publisher.bytes(n)[0] !== 1);
			await Promise.race([publisher.until(asked, "a question").catch(() => {}), reader.until(() => reader.stream(id).reset !== undefined, "").catch(() => {})]);
			if (asked()) break;
			if (tries > 200) throw new Error("the relay does not ask for the track");
			// The places of an attack before this one may have become free only after the announcement.
			await publisher.write(1, announce(true, path));
			await sleep(50);
		}
	}
	let id;
	const seen = new Set();
	await publisher.until(() => {
		for (const subscription of takeQuestions(publisher, seen, latency)) ({ id } = subscription);
		return id !== undefined;
	}, "SUBSCRIBE");
	return { publisher, reader: list[0], id, next: 6 };
}
// A publisher, and a reader of each of these tracks, which takes no groups. Gives the numbers of its subscriptions, too.
export async function tracks(r, path, names, { latency = 60_000 } = {}) {
	const publisher = await announcing(r, "tcp");
	await publisher.write(1, announce(true, path));
	await shown(r, path);
	const reader = await Peer.to(r, "tcp", { limits: { 7: 0 } });
	await reader.until(() => reader.theirs, "parameters");
	const ids = new Map();
	const seen = new Set();
	let asked = 0;
	await publisher.until(() => {
		// No more at a time than may wait for an answer.
		for (; asked < names.length && asked - ids.size < 50; asked++) reader.send(stream(asked * 4, subscribe(asked, path, names[asked])));
		for (const { id, rest } of takeQuestions(publisher, seen, latency)) {
			rest.text();
			ids.set(rest.text(), id);
		}
		return ids.size === names.length;
	}, "SUBSCRIBE for each");
	return { publisher, reader, ids: names.map((name) => ids.get(name)), next: 6 };
}
export const groupOf = (c, number) => pack(0, message(c.id, number));
export const frameOf = (data) => pack(0, data.length, data);
async function uniCredit(c) {
	const { publisher } = c;
	const index = () => (c.next - 2) / 4;
	if (index() >= publisher.allowed.uni) await publisher.until(() => index() < publisher.allowed.uni, "credit for streams", 30_000);
}
export async function group(c, number, body, fin = true) {
	await uniCredit(c);
	const id = c.next;
	c.next += 4;
	await c.publisher.write(id, pack(groupOf(c, number), body), fin);
	return id;
}
// One after the other, without waiting for each to be sent.
export async function emptyGroups(c, numbers) {
	for (const [i, number] of numbers.entries()) {
		await uniCredit(c);
		const head = groupOf(c, number);
		c.publisher.send(stream(c.next, head, { fin: true }));
		c.publisher.told.data += head.length;
		c.next += 4;
		if (i % 50 === 0) await c.publisher.drained();
	}
}
export const gone = (c) => {
	c.publisher.destroy();
	c.reader.destroy();
};
