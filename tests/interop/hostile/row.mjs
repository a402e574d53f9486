// Attacks of rows of the cost table on a relay with small limits.
import { sleep } from "../lib/time.mjs";
import { Room } from "./room.mjs";

// The limits of such a relay.
export const ANNOUNCED = 200; // by a session, and four times as many by all
export const REQUESTED = 100;
export const WAITING = 64;
export const CONNECTIONS = 80;
export const HANDSHAKES = 20;
export const CACHE = 8;
export const NEWEST = 40;
// What a peer may open at a time, which no option changes.
export const STREAMS = 1024;
// Of announcements of all sessions.
export const EVERYBODY = 4 * ANNOUNCED;
const args = Object.entries({
	"--max-announced": ANNOUNCED,
	"--max-requested": REQUESTED,
	"--max-waiting": WAITING,
	"--max-per-address": CONNECTIONS,
	"--max-handshakes": HANDSHAKES,
	"--cache": CACHE,
	"--newest": NEWEST,
}).flatMap(([name, value]) => [name, String(value)]);
// In MiB. The process's other memory: pieces of the heap that cannot be used again, and a connection's buffers and sockets.
const SLACK = 10;
export const CONNECTION = 0.2;

// The attacks of such a room run one after the other.
export const smallRoom = (name, growth, how) => new Room(name, growth, args, 1, how);

// The bound in MiB is made of rows of the table.
export function row(room, title, bound, run) {
	room.attack(title, async (r) => {
		const most = bound() + SLACK;
		const before = r.relay.rss();
		let highest = before;
		const timer = setInterval(() => {
			highest = Math.max(highest, r.relay.rss());
		}, 25);
		const said = await run(r).finally(() => clearInterval(timer));
		const grown = highest - before;
		if (grown > most && !r.settings.sanitized) throw new Error(`memory grew by ${grown.toFixed(0)} MiB, ${most.toFixed(0)} are allowed (${said})`);
		return `${said}, + ${grown.toFixed(1)} MiB of ${most.toFixed(1)}`;
	});
}

// How many of them are connected once that is no more than `most`. The relay may need some seconds to turn the others away; it has
// fewer than its time-outs, which would turn them all away.
export async function connected(peers, most) {
	const left = () => peers.filter((peer) => !peer.over).length;
	for (let i = 0; i < 100 && left() > most; i++) await sleep(50);
	if (left() > most) throw new Error(`${left()} are connected, of ${peers.length}`);
	return left();
}
