// Parts of the platform that the stock package expects and Node 20 does not have. Import this before the package.
import WebSocket from "ws";

Promise.withResolvers ??= function withResolvers() {
	let resolve;
	let reject;
	const promise = new this((yes, no) => {
		resolve = yes;
		reject = no;
	});
	return { promise, resolve, reject };
};

// Without it the publisher's announce loop dies at the first change after the initial set.
Set.prototype.difference ??= function difference(other) {
	const left = new Set(this);
	for (const value of other) left.delete(value);
	return left;
};

// One implementation on every Node version, so that the bytes in tests do not depend on it.
globalThis.WebSocket = WebSocket;

// Standard output carries events only; the package logs through the console.
const verbose = process.argv.includes("--verbose");
for (const level of ["debug", "log", "info", "warn", "error"]) {
	console[level] = verbose
		? (...args) => process.stderr.write(`[${level}] ${args.map((a) => (a instanceof Error ? a.stack : String(a))).join(" ")}\n`)
		: () => {};
}
