// Requests for which the relay has to ask the bystander itself.
import { upTo } from "../../lib/range.mjs";
import { sleep } from "../../lib/time.mjs";
import { works } from "../checks.mjs";
import { fetchOf, trackOf } from "../lite.mjs";
import { KINDS, Peer } from "../peer.mjs";
import { stream } from "../qmux.mjs";
import { Room } from "../room.mjs";

export const through = new Room("through", { plain: 128, asan: 500 });
for (const kind of KINDS) {
	through.attack(`tracks that the bystander does not have (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		for (let i = 0; i < 1000; i += 25) {
			peer.send(...upTo(25).map((n) => stream((i + n) * 4, trackOf("room/stander", `${kind}${i + n}`), { fin: true })));
			await sleep(20);
		}
		const answers = () => upTo(1000).filter((i) => peer.stream(i * 4).reset !== undefined || peer.stream(i * 4).fin).length;
		await peer.until(() => answers() === 1000, "answers", 45_000).catch((err) => {
			throw new Error(`${err.message}: ${answers()} of 1000 came`);
		});
		const codes = new Set(upTo(1000).map((i) => peer.stream(i * 4).reset ?? "fin"));
		peer.destroy();
		return `1000 answers: ${[...codes].join(" ")}`;
	});
	// Nobody says that a future group will never come: these fetches wait as long as they like.
	through.attack(`groups that the bystander does not have (${kind})`, async (r) => {
		const peer = await Peer.to(r, kind);
		await peer.until(() => peer.theirs, "parameters");
		for (let i = 0; i < 1000; i += 25) {
			peer.send(...upTo(25).map((n) => stream((i + n) * 4, fetchOf("room/stander", "t0", 10_000_000 + i + n), { fin: true })));
			await sleep(20);
		}
		await sleep(14_000);
		const said = await works(peer, 4000);
		peer.destroy();
		return said;
	});
}
