// The cost table of tests/README.md: the memory of a relay for each thing that a peer sends.
import { readFileSync } from "node:fs";

const MIB = 1 << 20;
// As it lies in the repository.
const table = new URL("../../README.md", import.meta.url);
const number = (cell) => Number(/^[\d,.]+/.exec(cell)[0].replaceAll(",", ""));
let held;
function read() {
	held = new Map();
	for (const line of readFileSync(table, "utf8").split("\n")) {
		const cells = line.split("|").map((cell) => cell.trim());
		if (cells.length === 9 && /^[\d,.]+$/.test(cells[3])) held.set(cells[1], number(cells[3]));
	}
}
// In MiB, for `count` of a thing.
export function costs(thing, count) {
	if (!held) read();
	if (!held.has(thing)) throw new Error(`no row in the cost table: ${thing}`);
	return (held.get(thing) * count) / MIB;
}
