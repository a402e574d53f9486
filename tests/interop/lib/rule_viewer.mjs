// The stock package with a copy of the rule by which the stock player (@moq/watch 0.4.6) chooses: for want of a browser.
import * as Moq from "@moq/net";
import { renditions } from "./renditions.mjs";
import { sleep, within } from "./time.mjs";

export class RuleViewer {
	#connection;
	#broadcast;
	#chosen;
	#subscriber;

	static async open(url, path) {
		const viewer = new RuleViewer();
		viewer.#connection = await Moq.Connection.connect(new URL(url), { webtransport: { enabled: false } });
		const active = viewer.#connection.announcedBroadcast(Moq.Path.from(path)).active;
		await within(10_000, (async () => { while (!active.peek()) await sleep(50); })());
		viewer.#broadcast = viewer.#connection.consume(Moq.Path.from(path));
		return viewer;
	}

	// It chooses when it is looked at, and it shows what it has chosen.
	async look() {
		const probe = this.#connection.probe.peek();
		const chosen = this.#choice(probe.estimatedRecvRate);
		if (chosen !== this.#chosen) {
			this.#chosen = chosen;
			this.#subscriber?.close();
			this.#subscriber = this.#broadcast.subscribe(chosen, { priority: 60, latencyMax: 500 });
			void this.#read(this.#subscriber);
		}
		return { probe, chosen, shown: chosen };
	}

	#choice(estimate) {
		if (estimate === undefined) return "hd";
		return renditions.hd.bitrate <= 0.8 * estimate ? "hd" : "sd";
	}

	async #read(from) {
		try {
			for (let group = await from.recvGroup(); group; group = await from.recvGroup()) {
				void (async () => { while (await group.readFrame()); })().catch(() => {});
			}
		} catch {
			// It was closed for another one.
		}
	}
}
