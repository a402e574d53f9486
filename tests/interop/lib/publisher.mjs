// The publishing half of a peer: broadcasts with tracks of deterministic groups.
import * as Moq from "@moq/net";
import { describe, emit } from "./output.mjs";
import { payload, sha256 } from "./payload.mjs";
import { breathe, sleep } from "./time.mjs";

export class Publisher {
	#connection;
	#opts;
	#broadcasts = new Map();

	constructor(connection, opts) {
		this.#connection = connection;
		this.#opts = opts;
	}

	names() {
		const o = this.#opts;
		const names = [...o.track];
		for (let i = 0; i < o.tracks; i++) names.push(`${o.trackPrefix}${i}`);
		return names;
	}

	info() {
		const o = this.#opts;
		return {
			timescale: Moq.Time.Timescale(o.timescale),
			latencyMax: o.latency,
			priority: o.infoPriority,
			ordered: o.infoOrdered,
		};
	}

	announce(path) {
		if (this.#broadcasts.has(path)) throw new Error(`already announced: ${path}`);
		const producer = new Moq.Broadcast.Producer();
		const entry = { producer, tracks: new Map(), stopped: false };
		this.#broadcasts.set(path, entry);
		if (!this.#opts.dynamic) {
			for (const name of this.names()) {
				const track = producer.createTrack(name, this.info());
				entry.tracks.set(name, track);
				this.#watch(path, track);
				void this.#produce(path, entry, track);
			}
		}
		void this.#requests(path, entry);
		this.#connection.publish(Moq.Path.from(path), producer);
		emit("published", { broadcast: path, tracks: this.#opts.dynamic ? [] : this.names() });
	}

	unannounce(path) {
		const entry = this.#broadcasts.get(path);
		if (!entry) throw new Error(`not announced: ${path}`);
		this.#broadcasts.delete(path);
		entry.stopped = true;
		entry.producer.close();
		if (!this.#opts.keepTracks) for (const track of entry.tracks.values()) track.close();
		emit("unpublished", { broadcast: path });
	}

	// Ends a track: clean, or with an error.
	finish(path, name, abort) {
		const track = this.#broadcasts.get(path)?.tracks.get(name);
		if (!track) throw new Error(`no such track: ${path} ${name}`);
		track.close(abort ? new Error("aborted on request") : undefined);
	}

	close() {
		for (const entry of this.#broadcasts.values()) entry.stopped = true;
		this.#broadcasts.clear();
	}

	#watch(path, track) {
		let last;
		track.subscription.subscribe((now) => {
			const text = JSON.stringify(now ?? null);
			if (text === last) return;
			last = text;
			emit("demand", { broadcast: path, track: track.name, subscription: now ?? null });
		});
	}

	// Requests for tracks that are not there beforehand.
	async #requests(path, entry) {
		try {
			for (;;) {
				const request = await entry.producer.requested();
				if (!request) return;
				const known = this.#opts.dynamic && this.names().includes(request.name);
				emit("request", { broadcast: path, track: request.name, known, subscription: { ...request.subscription } });
				if (known) {
					const track = request.accept(this.info());
					this.#watch(path, track);
					void this.#produce(path, entry, track);
				} else if (this.#opts.unknown === "reject") {
					request.reject(new Error("no such track"));
				}
			}
		} catch (err) {
			emit("requests-end", { broadcast: path, ...describe(err) });
		}
	}

	#size(group, frame) {
		const sizes = this.#opts.size;
		return sizes[(group * this.#opts.frames + frame) % sizes.length];
	}

	async #produce(path, entry, track) {
		const o = this.#opts;
		const over = () => entry.stopped || track.closed.peek() !== undefined;
		const scale = Moq.Time.Timescale(o.timescale);
		try {
			if (o.begin === "demand") {
				while (!track.used.peek() && !over()) await Moq.Signals.Signal.race(track.used, track.closed);
			}
			const start = performance.now();
			for (let n = 0; (o.groups === 0 || n < o.groups) && !over(); n++) {
				if (o.rate > 0) {
					const wait = start + (n * 1000) / o.rate - performance.now();
					if (wait > 0) await sleep(wait);
				} else {
					await breathe();
				}
				if (over()) break;

				const sequence = o.firstGroup + n;
				const big = o.bigGroup !== undefined && sequence === o.bigGroup;
				const count = big ? o.bigFrames : o.frames;
				const group = new Moq.Group.Producer(sequence);
				track.writeGroup(group);
				let bytes = 0;
				const hashes = [];
				for (let frame = 0; frame < count && !over(); frame++) {
					if (sequence === o.abortGroup && frame === count >> 1) break;
					const size = big ? Math.ceil(o.bigSize / count) : this.#size(sequence, frame);
					const data = payload(o.seed, track.name, sequence, frame, size);
					const place = o.reorder ? frame ^ 1 : frame;
					const time = (sequence * Math.max(o.frames, 2) + place) * o.step;
					group.writeFrame({ payload: data, timestamp: new Moq.Time.Timestamp(time, scale) });
					bytes += size;
					if (o.hashes) hashes.push(sha256(data));
					if (o.frameGap > 0) await sleep(o.frameGap);
				}
				if (sequence === o.abortGroup) group.close(new Error("aborted on purpose"));
				else group.close();
				emit("group-written", {
					broadcast: path,
					track: track.name,
					group: sequence,
					frames: count,
					bytes,
					aborted: sequence === o.abortGroup,
					...(o.hashes ? { sha256: hashes } : {}),
				});
			}
			if (over()) return;
			// The package ends the subscribe stream the moment the track closes, even with groups still on their way.
			if (o.finish !== "never") {
				await sleep(o.linger);
				if (!over()) track.close(o.finish === "abort" ? new Error("aborted on purpose") : undefined);
			}
			emit("track-written", { broadcast: path, track: track.name });
		} catch (err) {
			emit("produce-error", { broadcast: path, track: track.name, ...describe(err) });
		}
	}
}
