// How a program leaves whose arguments are wrong. What they should be is said where its file begins.
import { basename } from "node:path";

export function usage(message) {
	process.stderr.write(`${message}\nSee the top of ${basename(process.argv[1])}.\n`);
	process.exit(2);
}
