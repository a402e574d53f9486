// Every scenario in each of its ways, in both drafts.
import { alone } from "./alone.mjs";
import { broadcasts } from "./broadcasts.mjs";
import { drafts, DRAFTS } from "./drafts.mjs";
import { ends } from "./ends.mjs";
import { limits } from "./limits.mjs";
import { relayed } from "./relayed.mjs";

const between = [...broadcasts, ...limits, ...ends, ...drafts];

function title(name, qmux, way) {
	if (!way) return `${qmux}  ${name}`;
	const side = (role) => (way.server === role ? `[${way[role]}]` : way[role]);
	return `${qmux}  ${name}: ${side("pub")} -> ${side("sub")}`;
}

// The scenarios for which there are programs. With `quick` each comes in one draft: `turn` has neighbours, and the ways of a
// scenario, in different drafts by turns.
export function allScenarios({ peer, relay }, quick) {
	const kinds = [];
	if (peer) {
		between.forEach(({ name, work, ways }, i) => ways.forEach((way, j) => kinds.push({ name, way, work, turn: i + j })));
		Object.entries(alone).forEach(([name, work], i) => kinds.push({ name, work, turn: i }));
	}
	if (relay) Object.entries(relayed).forEach(([name, work], i) => kinds.push({ name: `relay: ${name}`, work, turn: i }));
	return DRAFTS.flatMap((qmux, draft) =>
		kinds.filter(({ turn }) => !quick || turn % DRAFTS.length === draft).map(({ name, way, work }) => ({ title: title(name, qmux, way), qmux, way, work })),
	);
}
