// More questions than anybody has.
import { NOT_FOUND } from "../../lib/codes.mjs";
import { upTo } from "../../lib/range.mjs";
import { breathe, sleep } from "../../lib/time.mjs";
import { byte, message, pack } from "../bytes.mjs";
import { same, works } from "../checks.mjs";
import { FLOOD } from "../flooding.mjs";
import { fetchOf, subscribe, trackOf } from "../lite.mjs";
import { KINDS, Peer } from "../peer.mjs";
import { reset, stream } from "../qmux.mjs";
import { Room } from "../room.mjs";

export const requests = new Room("requests", { plain: 256, asan: 800 });
function asking(title, make, codes) {
	for (const kind of KINDS) {
		requests.attack(`${title} (${kind})`, async (r) => {
			const peer = await Peer.to(r, kind);
			await peer.until(() => peer.theirs, "parameters");
			const end = performance.now() + FLOOD;
			const seen = new Map();
			let next = 0;
			let over = 0;
			const sweep = () => {
				for (const [id, s] of peer.streams) {
					if ((id & 3) !== 0 || (s.reset === undefined && !s.fin)) continue;
					const how = s.reset ?? "fin";
					seen.set(how, (seen.get(how) ?? 0) + 1);
					peer.streams.delete(id);
					over++;
				}
			};
			while (performance.now() < end) {
				await peer.until(() => next < peer.allowed.bidi && next - over < 500, "answers", 15_000).catch((err) => {
					throw new Error(`${err.message} (${next} asked, ${over} answered, ${[...seen]})`);
				});
				const batch = [];
				for (let i = 0; i < 40 && next < peer.allowed.bidi; i++, next++) batch.push(stream(next * 4, make(next), { fin: true }));
				peer.send(...batch);
				await peer.drained();
				sweep();
				if (next - over >= 500) await peer.until(() => (sweep(), next - over < 500), "answers", 15_000);
				await breathe();
			}
			await peer.until(() => (sweep(), next === over), `answers to ${next}`, 20_000).catch((err) => {
				throw new Error(`${err.message}: ${over} came`);
			});
			for (const how of seen.keys()) same(how, codes, "the answer");
			peer.destroy();
			return `${over} answers: ${[...seen].map(([how, n]) => `${how} x ${n}`).join(", ")}`;
		});
	}
}
asking("TRACK where nothing is", (i) => trackOf(`no/${i}`, "t0"), [NOT_FOUND]);
asking("FETCH where nothing is", (i) => fetchOf(`no/${i}`, "t0", i), [NOT_FOUND]);
asking("TRACK of the bystander's", () => trackOf("room/stander", "t0"), ["fin"]);
// SUBSCRIBE with FIN counts as leaving: it is left open here.
for (const kind of KINDS) {
	requests.attack(`SUBSCRIBE where nothing is (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		const end = performance.now() + FLOOD;
		let next = 0;
		let over = 0;
		while (performance.now() < end) {
			peer.send(...upTo(40).map(() => stream(next * 4, subscribe(next, `no/${next++}`, "t0"))));
			await peer.until(() => {
				for (const [id, s] of peer.streams) {
					if ((id & 3) !== 0 || s.reset === undefined) continue;
					same(s.reset, NOT_FOUND, "RESET");
					peer.send(reset(id, 0, 0));
					peer.streams.delete(id);
					over++;
				}
				return next - over < 400 && next + 40 < peer.allowed.bidi;
			}, "answers", 15_000);
			await breathe();
		}
		peer.destroy();
		return `${over} x reset ${NOT_FOUND}`;
	});
}
requests.attack("1000 SUBSCRIBE of the bystander's track, with credit", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(1000)) peer.send(stream(i * 4, subscribe(i, "room/stander", "t0")));
	const groups = () => [...peer.streams].filter(([id, s]) => (id & 3) === 3 && s.fin).length;
	await peer.until(() => groups() > 1000, "a group for each", 15_000);
	await sleep(3000);
	const said = `${groups()} groups`;
	peer.destroy();
	return said;
});
requests.attack("1000 SUBSCRIBE of the bystander's track, without credit", async (r) => {
	const peer = await Peer.to(r, "tcp", { limits: { 9: 1 } });
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(1000)) peer.send(stream(i * 4, subscribe(i, "room/stander", "t0")));
	await sleep(12_000);
	const before = peer.streams.size;
	same(peer.said, undefined, "the end");
	// The waiting groups go on.
	peer.send(pack(0x13, 10_000));
	await peer.until(() => peer.streams.size > before + 500, "groups when there is credit", 15_000);
	peer.destroy();
	return "goes on with credit";
});
requests.attack("SUBSCRIBE_UPDATE again and again", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.write(0, subscribe(1, "room/stander", "t0"));
	const one = message(byte(1), byte(0), 100, 0, 0);
	const many = Buffer.concat(upTo(1000).map(() => one));
	for (const i of upTo(100)) await peer.write(0, many);
	const said = await works(peer);
	peer.destroy();
	return said;
});
requests.attack("ANNOUNCE_REQUEST 900 times", async (r) => {
	const peer = await Peer.to(r, "tcp");
	await peer.until(() => peer.theirs, "parameters");
	for (const i of upTo(900)) peer.send(stream(i * 4, pack(1, message("", 0))));
	// 16 at a time are answered; the others are refused.
	const answered = () => upTo(900).filter((i) => peer.stream(i * 4).size > 0).length;
	const refused = () => upTo(900).filter((i) => peer.stream(i * 4).reset !== undefined).length;
	await peer.until(() => answered() >= 16 && answered() + refused() >= 900, "an answer to each");
	if (answered() > 16) throw new Error(`${answered()} answers`);
	peer.destroy();
	return "16 x OK";
});
