// Hostile publishers and readers.
import { FRAME_TOO_LARGE, INTERNAL, MALFORMED } from "../../lib/codes.mjs";
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { announcing } from "../announcing.mjs";
import { pack, message, zeros } from "../bytes.mjs";
import { channel, emptyGroups, frameOf, gone, group } from "../channel.mjs";
import { stopped, works } from "../checks.mjs";
import { announce, subscribe } from "../lite.mjs";
import { Peer } from "../peer.mjs";
import { stream } from "../qmux.mjs";
import { MIB, Room } from "../room.mjs";

export const media = new Room("media", { plain: 384, asan: 900 }, ["--cache", "64"]);
media.attack("two groups with one number", async (r) => {
	const c = await channel(r, "two");
	await group(c, 5, frameOf(zeros(10)), false);
	const id = await group(c, 5, frameOf(zeros(10)), false);
	await stopped(c.publisher, id, INTERNAL);
	await works(c.publisher);
	gone(c);
	return `stop ${INTERNAL}`;
});
media.attack("frames of 2^40 bytes, 2^62 - 1, 33 MiB", async (r) => {
	const c = await channel(r, "large");
	for (const [i, size] of [2 ** 40, 2n ** 62n - 1n, 33 * MIB].entries()) {
		const id = await group(c, i, pack(0, size, zeros(100)), false);
		await stopped(c.publisher, id, FRAME_TOO_LARGE);
	}
	await works(c.publisher);
	gone(c);
	return `stop ${FRAME_TOO_LARGE}`;
});
media.attack("100 frames of 32 MiB that never come", async (r) => {
	const c = await channel(r, "promised");
	for (const i of upTo(100)) await group(c, i, pack(0, 32 * MIB, zeros(100)), false);
	await sleep(2000);
	await works(c.publisher);
	gone(c);
	return "nothing";
});
media.attack("timestamps before the beginning", async (r) => {
	const c = await channel(r, "before");
	const id = await group(c, 0, pack(1, 1, "x"), false);
	await stopped(c.publisher, id, MALFORMED);
	gone(c);
	return `stop ${MALFORMED}`;
});
media.attack("a group of 200,000 empty frames", async (r) => {
	const c = await channel(r, "frames");
	const id = await group(c, 0, Buffer.alloc(0), false);
	await c.publisher.write(id, zeros(400_000)).catch(() => {});
	await works(c.publisher);
	const code = c.publisher.stream(id).stop;
	gone(c);
	return code === undefined ? "taken, the oldest ones dropped" : `stop ${code}`;
});
media.attack("60,000 groups without a frame, to be kept for ever", async (r) => {
	const c = await channel(r, "empty", { latency: 2 ** 40 });
	await emptyGroups(c, upTo(60_000));
	await sleep(1000);
	const said = await works(c.publisher);
	gone(c);
	return said;
});
media.attack("20,000 groups with gaps between", async (r) => {
	const c = await channel(r, "gaps", { latency: 100 });
	await emptyGroups(c, upTo(20_000).map((i) => i * 1000));
	const said = await works(c.publisher);
	gone(c);
	return said;
});
for (const [title, limits] of [
	["gives no credit", { 4: 0, 7: 0, 9: 0 }],
	["allows streams and no data", { 7: 0 }],
	["allows one stream", { 9: 1 }],
]) {
	media.attack(`128 MiB for a reader that ${title}`, async (r) => {
		const c = await channel(r, `slow/${title.length}`, { limits: { ...limits }, latency: 60_000 });
		const body = frameOf(zeros(1 << 20));
		for (const i of upTo(128)) await group(c, i, body);
		const said = await works(c.publisher);
		gone(c);
		return said;
	});
}
media.attack("64 MiB for a reader that does not read its socket", async (r) => {
	const c = await channel(r, "deaf", { latency: 60_000 });
	const deaf = await Peer.to(r, "tcp", { deaf: true });
	deaf.send(stream(0, subscribe(1, "deaf", "t")));
	const body = frameOf(zeros(1 << 20));
	for (const i of upTo(64)) await group(c, i, body);
	const said = await works(c.publisher);
	deaf.destroy();
	gone(c);
	return said;
});
media.attack("datagrams of nobody's, and too early", async (r) => {
	const c = await channel(r, "datagrams");
	for (const i of upTo(5000)) {
		c.publisher.send(pack(0x31, message(c.id, i, 2n ** 62n - 1n, zeros(1150))));
		await c.publisher.drained();
	}
	const said = await works(c.publisher);
	gone(c);
	return said;
});
media.attack("the bystander's path, announced by another peer, which never answers", async (r) => {
	const peer = await announcing(r, "tcp");
	await peer.write(1, announce(true, "room/stander", upTo(20).map((i) => 5000 + i)));
	await sleep(3000);
	peer.destroy();
	return "nothing";
});
