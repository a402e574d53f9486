// Announcements that are wrong, or look so.
import { VIOLATION } from "../../../lib/codes.mjs";
import { upTo } from "../../../lib/range.mjs";
import { announcing } from "../../announcing.mjs";
import { message, pack } from "../../bytes.mjs";
import { expectEnd, same, works } from "../../checks.mjs";
import { announce } from "../../lite.mjs";
import { KINDS } from "../../peer.mjs";

export function announces(rules) {
	for (const kind of KINDS) {
		const offer = (title, want, bytes) =>
			rules.attack(`ANNOUNCE: ${title} (${kind})`, async (r) => {
				const peer = await announcing(r, kind);
				same(peer.prefix, "room", "the requested prefix");
				await peer.write(1, bytes(`of/${kind}/${title.length}`));
				if (want) return await expectEnd(peer, want);
				const said = await works(peer);
				peer.destroy();
				return said;
			});
		offer("ended for an unknown path", VIOLATION, () => announce(false, "nobody"));
		offer("ended twice", VIOLATION, (path) => pack(announce(true, path), announce(false, path), announce(false, path)));
		offer("40 hops", VIOLATION, (path) => announce(true, path, upTo(40)));
		offer("2^40 hops", VIOLATION, (path) => message(1, path, 2 ** 40));
		offer("status 3", VIOLATION, (path) => message(3, path, 0));
		offer("a message of 1 MiB", VIOLATION, () => pack(1 << 20));
		offer("text that is not UTF-8", VIOLATION, () => message(1, 2, Buffer.from([0xff, 0xfe]), 0));
		offer("status 2, which is active", undefined, (path) => pack(message(2, path, 0), message(2, path, 0), announce(false, path)));
		offer("32 hops", undefined, (path) => announce(true, path, upTo(32)));
		offer("hops that repeat, which are dropped", undefined, (path) => pack(announce(true, path, [7, 8, 7]), announce(true, path, [424_242]), announce(false, path)));
		// Without the empty name, which is the room itself: its announcer is asked for every path below it that nobody has, and
		// the scenario of such a path would hear how that announcer ends.
		offer("names that are not paths", undefined, () => pack(...["/", "//", "a//b", "/a/", "..", "\0", "\n"].map((name) => announce(true, name))));
		offer("a path of 5000 bytes, which ends", undefined, () => pack(announce(true, "a".repeat(5000)), announce(false, "a".repeat(5000))));
		offer("the path of the bystander's neighbour", undefined, () => announce(true, "stander/x"));
	}
}
