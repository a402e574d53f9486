// Announcements without end.
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { announcing } from "../announcing.mjs";
import { message, pack } from "../bytes.mjs";
import { works } from "../checks.mjs";
import { announce } from "../lite.mjs";
import { Peer } from "../peer.mjs";
import { stream } from "../qmux.mjs";
import { Room } from "../room.mjs";

export const announcements = new Room("announcements", { plain: 512, asan: 1200 }, [], 2);
announcements.attack("100,000 paths (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	const all = Buffer.concat(upTo(100_000).map((i) => announce(true, `flood/${i}`)));
	// The session goes on with the announcements that fit: the rest is left out, and counted.
	await peer.write(1, all);
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("the same path 50,000 times (ws)", async (r) => {
	const peer = await announcing(r, "ws");
	await peer.write(1, Buffer.concat(upTo(50_000).map((i) => announce(true, "same", [1000 + i]))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("a path that comes and goes 50,000 times (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	await peer.write(1, Buffer.concat(upTo(50_000).map((i) => pack(announce(true, "to/and/fro"), announce(false, "to/and/fro")))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
const nonsense = (count) => Buffer.concat(upTo(count).map((i) => announce(true, `${i}/\n\0`.padEnd(100, "/"))));
announcements.attack("10,000 names that are not paths (ws)", async (r) => {
	const peer = await announcing(r, "ws");
	await peer.write(1, nonsense(10_000));
	const said = await works(peer);
	peer.destroy();
	return said;
});
// They count as the others do: the ones beyond the limit are left out.
announcements.attack("20,000 names that are not paths (ws)", async (r) => {
	const peer = await announcing(r, "ws");
	await peer.write(1, nonsense(20_000));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("1000 paths of 4000 bytes, 1000 of 5000 (tcp)", async (r) => {
	const peer = await announcing(r, "tcp");
	for (const i of upTo(1000)) await peer.write(1, pack(announce(true, `long${i}`.padEnd(4000, "x")), announce(true, `long${i}`.padEnd(5000, "x"))));
	const said = await works(peer);
	peer.destroy();
	return said;
});
announcements.attack("a peer that asks for all announcements and reads none (tcp)", async (r) => {
	const peer = await Peer.to(r, "tcp", { limits: { 5: 100 } });
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(50)) peer.send(stream(i * 4, pack(1, message("", 0))));
	await sleep(15_000);
	peer.destroy();
	return "nothing";
});
