// The course of a room.
import { upTo } from "../lib/range.mjs";
import { within } from "../lib/time.mjs";
import { LIMIT } from "./peer.mjs";

// How often a room is played at most.
const TIMES = 3;
// Attacks that take their time begin first.
const PATIENT = /half-open|without|drips|never end|line feeds/;

// Runs the attacks of a room, several at once: a late attack meets the remains of the earlier ones. A room in which somebody was
// late, and nothing else was wrong, is played again, and must not be late each time: a machine can have other things to do for a
// moment, and a relay that is unfair is so always.
export async function play(r, settings, control, report) {
	let time = 1;
	while (await playOnce(r, settings, control, report, time)) time++;
}

// Whether it was late only, and is to be played again.
async function playOnce(r, settings, control, report, time) {
	const title = (text) => (time > 1 ? `${text} (${time})` : text);
	let well = true;
	const tell = (ok, what, text) => {
		well &&= ok;
		report(ok ? "ok" : "FAIL", title(what), text);
	};
	try {
		await r.open(settings);
	} catch (err) {
		tell(false, r.name, err.message);
		return false;
	}
	const left = [...r.attacks].sort((a, b) => PATIENT.test(b.title) - PATIENT.test(a.title));
	const lane = async () => {
		for (let one = left.shift(); one; one = left.shift()) {
			try {
				const said = await within(LIMIT, one.run(r));
				r.sign();
				tell(true, one.title, said);
			} catch (err) {
				tell(false, one.title, err.stack && !(err instanceof Error && err.message) ? err.stack : err.message);
			}
		}
	};
	await Promise.all(upTo(r.lanes).map(lane));
	const { faults, late } = await r.close(control);
	const what = `${r.name}, the bystanders and the relay`;
	const text = [r.summary, ...faults, ...late].join("\n\t");
	if (late.length > 0 && faults.length === 0 && well && time < TIMES) {
		report("late", title(what), text);
		return true;
	}
	tell(faults.length + late.length === 0, what, text);
	return false;
}
