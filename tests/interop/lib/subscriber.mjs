// The subscribing half of a peer: announcements, subscriptions, fetches. All of it is printed.
import * as Moq from "@moq/net";
import { describe, emit } from "./output.mjs";
import { matches, sha256 } from "./payload.mjs";
import { sleep } from "./time.mjs";

const key = (broadcast, track) => `${broadcast}\0${track}`;

export class Subscriber {
	#connection;
	#opts;
	#broadcasts = new Map();
	#tracks = new Map();
	#announced = new Map();
	#watched = new Map();

	constructor(connection, opts) {
		this.#connection = connection;
		this.#opts = opts;
	}

	// Announcements under a prefix, until `unannounced(prefix)` or the end of the session.
	announced(prefix) {
		const consumer = this.#connection.announced(Moq.Path.from(prefix));
		this.#announced.set(prefix, consumer);
		void (async () => {
			try {
				for (;;) {
					const event = await consumer.next();
					if (!event) break;
					emit(event.active ? "announce" : "unannounce", { prefix, broadcast: Moq.Path.join(prefix, event.path), suffix: event.path });
				}
				emit("announced-end", { prefix, error: null });
			} catch (err) {
				emit("announced-end", { prefix, ...describe(err) });
			}
		})();
	}

	unannounced(prefix) {
		this.#announced.get(prefix)?.close();
		this.#announced.delete(prefix);
	}

	// One broadcast by announcement, as the package's `announcedBroadcast` does it.
	watch(path) {
		const handle = this.#connection.announcedBroadcast(Moq.Path.from(path));
		this.#watched.set(path, handle);
		handle.active.subscribe((active) => emit(active ? "online" : "offline", { broadcast: path }));
	}

	unwatch(path) {
		this.#watched.get(path)?.close();
		this.#watched.delete(path);
	}

	#broadcast(path) {
		let broadcast = this.#broadcasts.get(path);
		if (!broadcast || broadcast.closed.peek() !== undefined) {
			broadcast = this.#connection.consume(Moq.Path.from(path));
			this.#broadcasts.set(path, broadcast);
		}
		return broadcast;
	}

	// Releases a broadcast, so that the next subscription starts afresh.
	release(path) {
		this.#broadcasts.get(path)?.close();
		this.#broadcasts.delete(path);
	}

	subscribe(path, name, options) {
		const subscriber = this.#broadcast(path).subscribe(name, options);
		this.#tracks.set(key(path, name), subscriber);
		emit("subscribe", { broadcast: path, track: name, ...options });
		subscriber.info().then(
			(info) => emit("info", { broadcast: path, track: name, ...info }),
			() => {},
		);
		void this.#read(path, name, subscriber);
	}

	unsubscribe(path, name) {
		this.#tracks.get(key(path, name))?.close();
	}

	update(path, name, options) {
		const subscriber = this.#tracks.get(key(path, name));
		if (!subscriber) throw new Error(`not subscribed: ${path} ${name}`);
		subscriber.update({ ...subscriber.subscription.peek(), ...options });
		emit("update", { broadcast: path, track: name, ...subscriber.subscription.peek() });
	}

	async info(path, name) {
		try {
			emit("info", { broadcast: path, track: name, asked: true, ...(await this.#broadcast(path).track(name).info()) });
		} catch (err) {
			emit("info-error", { broadcast: path, track: name, ...describe(err) });
		}
	}

	async fetch(path, name, sequence, options) {
		try {
			const group = await this.#broadcast(path).track(name).fetchGroup(sequence, options);
			await this.#group("fetch", path, name, group);
		} catch (err) {
			emit("fetch-error", { broadcast: path, track: name, group: sequence, ...describe(err) });
		}
	}

	async #read(path, name, subscriber) {
		const reads = new Set();
		let groups = 0;
		let fault = { error: null };
		try {
			for (;;) {
				const group = this.#opts.next ? await subscriber.nextGroup() : await subscriber.recvGroup();
				if (!group) break;
				groups++;
				const read = this.#group("group", path, name, group);
				reads.add(read);
				void read.finally(() => reads.delete(read));
				if (this.#opts.slow > 0) await sleep(this.#opts.slow);
			}
		} catch (err) {
			fault = describe(err);
		}
		await Promise.allSettled(reads);
		if (this.#tracks.get(key(path, name)) === subscriber) this.#tracks.delete(key(path, name));
		emit("track-end", { broadcast: path, track: name, groups, ...fault });
	}

	async #group(kind, path, name, group) {
		const place = { broadcast: path, track: name, group: group.sequence };
		if (this.#opts.detail !== "group") emit(`${kind}-start`, place);
		let frames = 0;
		let bytes = 0;
		let ok = true;
		const times = [];
		const hashes = [];
		let fault = { error: null };
		try {
			for (;;) {
				const frame = await group.readFrame();
				if (!frame) break;
				const hash = sha256(frame.payload);
				const good = this.#opts.seed === "" || matches(frame.payload, this.#opts.seed, name, group.sequence, frames);
				ok &&= good;
				if (this.#opts.detail !== "group") {
					emit(kind === "fetch" ? "fetch-frame" : "frame", {
						...place,
						frame: frames,
						size: frame.payload.byteLength,
						timestamp: frame.timestamp.value,
						scale: frame.timestamp.scale,
						sha256: hash,
						ok: good,
					});
				}
				hashes.push(hash);
				times.push(frame.timestamp.value);
				frames++;
				bytes += frame.payload.byteLength;
			}
		} catch (err) {
			fault = describe(err);
		}
		emit(kind, { ...place, frames, bytes, ok, ...fault, timestamps: times, sha256: hashes });
	}

	close() {
		for (const handle of this.#watched.values()) handle.close();
	}
}
