// One JSON object a line. Writes are synchronous enough for pipes, and lines are never split.
const began = performance.now();
const listeners = new Set();

export function emit(event, fields = {}) {
	const line = { event, ms: Math.round(performance.now() - began), ...fields };
	process.stdout.write(`${JSON.stringify(line, (_, v) => (typeof v === "bigint" ? v.toString() : v))}\n`);
	for (const listener of listeners) listener(line);
	return line;
}

export function onEvent(listener) {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

// An error as fields of an event. `code` is there when the peer reset a stream.
export function describe(err) {
	if (err === null || err === undefined) return { error: null };
	const fields = { error: String(err.message ?? err) };
	if (typeof err.code === "number") fields.code = err.code;
	if (err.errors) fields.errors = err.errors.map((e) => String(e.message ?? e));
	return fields;
}
