// The newest @moq/publish in the registry (0.2.17) brings an @moq/net (0.1.9) that offers protocols which no relay of today speaks alone. Its
// broadcasts, with their tracks and groups, go through a session of the newer @moq/net here.
import * as Moq from "@moq/net";

const { Timestamp } = Moq.Time;

// For the signal that a broadcast of @moq/publish takes its connection from.
export function stockConnection(session) {
	return {
		url: session.url,
		version: session.version,
		closed: session.closed,
		// The element keeps a list of what is announced, which this page does not show.
		announced: () => ({ next: async () => undefined, close() {} }),
		close: () => session.close(),
		publish(path, broadcast) {
			const producer = new Moq.Broadcast.Producer();
			session.publish(path, producer);
			broadcast.closed.then((err) => producer.close(err));
			void serve(producer, broadcast);
		},
	};
}

async function serve(producer, broadcast) {
	// Each track of the old kind counts its groups from 0; those of a name go on here.
	const next = new Map();
	for (;;) {
		const request = await producer.requested();
		if (!request) return;
		const track = broadcast.subscribe(request.name, request.priority);
		void pass(track, request, next);
	}
}

async function pass(track, request, next) {
	const producer = request.accept();
	const first = next.get(request.name) ?? 0;
	void producer.unused().then(() => track.close());
	const writing = new Set();
	let trouble;
	try {
		for (;;) {
			const group = await track.recvGroup();
			if (!group) break;
			const sequence = first + group.sequence;
			next.set(request.name, Math.max(next.get(request.name) ?? 0, sequence + 1));
			const out = new Moq.Group.Producer(sequence);
			producer.writeGroup(out);
			const copying = copy(group, out);
			writing.add(copying);
			void copying.finally(() => writing.delete(copying));
		}
		await Promise.all(writing);
	} catch (err) {
		trouble = err;
	}
	producer.close(trouble);
	track.close(trouble);
}

async function copy(group, out) {
	try {
		for (;;) {
			const payload = await group.readFrame();
			if (!payload) return out.close();
			out.writeFrame({ payload, timestamp: Timestamp.now() });
		}
	} catch (err) {
		out.close(err);
	}
}
