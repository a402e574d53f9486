// The exit of a program with wrong arguments. The right ones are described where its file begins.
import { basename } from "node:path";

export function usage(message) {
	process.stderr.write(`${message}\nSee the top of ${basename(process.argv[1])}.\n`);
	process.exit(2);
}
