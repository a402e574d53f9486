// 500 peers at once, each of which does anything.
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { message, pack, zeros } from "../bytes.mjs";
import { fetchOf, subscribe, trackOf } from "../lite.mjs";
import { Peer } from "../peer.mjs";
import { ping, reset, stop, stream } from "../qmux.mjs";
import { Room } from "../room.mjs";

function generator(seed) {
	let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
	return (below) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % below;
	};
}

export const random = new Room("random", { plain: 384, asan: 1100 });
random.attack("500 connections that do anything", async (r) => {
	const seed = r.settings.seed;
	const ends = new Map();
	await Promise.all(
		upTo(500).map(async (n) => {
			const dice = generator(seed * 1009 + n * 7919 + 1);
			for (let i = 0; i < 5; i++) dice(2);
			const end = await misbehave(r, dice).catch((err) => {
				if (/ECONN|over \(/.test(err.message)) return err.message.slice(0, 40);
				throw err;
			});
			ends.set(end, (ends.get(end) ?? 0) + 1);
		}),
	);
	return `seed ${seed}: ${[...ends].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([end, n]) => `${end} x ${n}`).join(", ")}`;
});
async function misbehave(r, dice) {
	const kind = ["tcp", "ws", "ws1"][dice(3)];
	const noise = (size) => Buffer.from(upTo(size).map(() => dice(256)));
	await sleep(dice(2000));
	const style = dice(8);
	const peer = await Peer.to(r, kind, { raw: style === 0, hello: style !== 1, setup: style !== 2, deaf: style === 3 });
	if (style <= 1) {
		for (const _ of upTo(dice(20))) {
			peer.raw(noise(dice(500)));
			await sleep(dice(50));
		}
	}
	const number = () => [dice(64), dice(16_384), dice(1 << 29), 2n ** 62n - 1n - BigInt(dice(100))][dice(10) < 7 ? 0 : dice(4)];
	const path = () => ["room/stander", "room/none", "", "a".repeat(dice(300)), "room"][dice(5)];
	let next = 0;
	let asked = 0;
	const frames = [
		() => ping(asked++),
		() => zeros(1 + dice(50)),
		() => stream(next++ * 4, subscribe(dice(100), path(), "t0", { start: dice(10), end: dice(20), priority: dice(256) })),
		() => stream(next++ * 4, fetchOf(path(), "t0", dice(3000)), { fin: dice(2) === 0 }),
		() => stream(next++ * 4, trackOf(path(), `t${dice(2)}`), { fin: dice(2) === 0 }),
		() => stream(next++ * 4, pack(1, message(path(), dice(10)))),
		() => stream(next++ * 4, noise(dice(100)), { fin: dice(3) === 0 }),
		() => reset(dice(next + 1) * 4, number(), dice(100)),
		() => stop(dice(next + 1) * 4, number()),
		() => pack(0x10, number()),
		() => pack(0x11, dice(8) * 4, number()),
		() => stream(dice(100), noise(dice(50)), { offset: number() }),
		() => pack(0x31, message(noise(dice(60)))),
		() => noise(1 + dice(30)),
		() => pack(dice(0x40), noise(dice(20))),
		() => pack(0x1d, number(), "goodbye"),
	];
	for (let left = 1 + dice(200); left > 0 && !peer.over && !peer.said; left--) {
		// Violations are rare enough for a peer to get somewhere.
		const kindOf = dice(100) < 96 ? dice(9) : 9 + dice(7);
		peer.send(frames[kindOf]());
		if (dice(4) === 0) await sleep(dice(60));
	}
	await sleep(dice(500));
	if (dice(2) === 0) peer.end();
	else peer.destroy();
	if (!peer.over) await Promise.race([peer.ended(15_000).catch(() => {}), sleep(15_000)]);
	const end = peer.outcome();
	peer.destroy();
	return end;
}
