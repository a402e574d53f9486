// The course of a room.
import { upTo } from "../lib/range.mjs";
import { within } from "../lib/time.mjs";
import { LIMIT } from "./peer.mjs";

// Attacks that take their time begin first.
const PATIENT = /half-open|without|drips|never end|line feeds/;

// Runs the attacks of a room, several at once: a late attack meets the remains of the earlier ones.
export async function play(r, settings, control, report) {
	try {
		await r.open(settings);
	} catch (err) {
		return report(false, r.name, err.message);
	}
	const left = [...r.attacks].sort((a, b) => PATIENT.test(b.title) - PATIENT.test(a.title));
	const lane = async () => {
		for (let one = left.shift(); one; one = left.shift()) {
			try {
				const said = await within(LIMIT, one.run(r));
				r.sign();
				report(true, one.title, said);
			} catch (err) {
				report(false, one.title, err.stack && !(err instanceof Error && err.message) ? err.stack : err.message);
			}
		}
	};
	await Promise.all(upTo(r.lanes).map(lane));
	const faults = await r.close(control);
	report(faults.length === 0, `${r.name}, the bystanders and the relay`, [r.summary, ...faults].join("\n\t"));
}
