// The tools of a scenario: its processes, and their expected events.
import { Peer, Relay } from "./process.mjs";

export class Scene {
	processes = [];
	faults = [];

	constructor({ qmux, way, programs }) {
		Object.assign(this, { qmux, way, programs });
	}

	// The roles of the two sides, as the way has it.
	get listens() {
		return this.way.server === "pub" ? "publish" : "subscribe";
	}
	get visits() {
		return this.way.server === "pub" ? "subscribe" : "publish";
	}

	expect(truth, what) {
		if (!truth) this.faults.push(what);
	}
	same(got, want, what) {
		this.expect(JSON.stringify(got) === JSON.stringify(want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
	}

	peer(kind, name, args) {
		const peer = new Peer(kind, name, this.programs.peer, args);
		this.processes.push(peer);
		return peer;
	}
	relay(name, ...args) {
		const relay = new Relay(name, this.programs.relay, ["--listen", "ws://127.0.0.1:0", "--threads", "2", ...args]);
		this.processes.push(relay);
		return relay;
	}
	// A client of a relay.
	client(kind, role, url, args = [], name = `${kind} ${role}`) {
		return this.peer(kind, name, [role, url, "--qmux", this.qmux, "--stdin", ...args]);
	}

	// One session as the way has it, with its publisher and its subscriber, which take commands. When `work` is done they
	// leave.
	async pair({ publish = [], subscribe = [], js = [], cpp = [] }, work) {
		const { pub, sub, server } = this.way;
		const args = (role) => [...(role === "publish" ? publish : subscribe), ...((role === "publish" ? pub : sub) === "js" ? js : cpp), "--stdin"];
		const kind = (role) => (role === "publish" ? pub : sub);
		const a = this.peer(kind(this.listens), this.listens, ["serve", this.listens, "--qmux", "any", ...args(this.listens)]);
		const [{ url }] = await a.until("listening");
		const b = this.peer(kind(this.visits), this.visits, [this.visits, url, "--qmux", this.qmux, ...args(this.visits)]);
		const [publisher, subscriber] = server === "pub" ? [a, b] : [b, a];
		await Promise.all([a.until("steps-done"), b.until("steps-done")]);
		await work(publisher, subscriber);
		await this.goodbye(subscriber, publisher);
		for (const peer of [a, b]) this.same(peer.all("connected").map((e) => e.protocol), [`${this.qmux}.${this.lite}`], `what ${peer.name} speaks`);
	}
	// The best version that both peers have: the package knows moq-lite-05 only.
	get lite() {
		return [this.way.pub, this.way.sub].includes("js") ? "moq-lite-05" : "moq-lite-06";
	}

	async goodbye(...peers) {
		for (const peer of peers) {
			peer.leave();
			await peer.exit;
			this.same(peer.code, 0, `exit code of ${peer.name}`);
		}
	}

	// The groups of a track, each whole: in the order in which they came, which is not always theirs.
	whole(peer, fields, sequences, frames) {
		const groups = peer.all("group", fields);
		this.same(groups.map((e) => e.group).sort((x, y) => x - y), sequences, `groups of ${JSON.stringify(fields)}`);
		for (const e of groups) {
			this.expect(e.ok && e.error === null && e.frames === frames, `not whole: ${JSON.stringify(e).slice(0, 300)}`);
		}
	}

	// Faults that no process may have in any scenario.
	inspect() {
		for (const process of this.processes) {
			if (process.kind !== "relay") this.expect(process.errors === "", `${process.name} wrote to standard error`);
			this.expect(!/Sanitizer|runtime error:/.test(process.errors + process.lines.join("\n")), `a sanitizer in ${process.name}`);
			this.same(process.all("unhandled"), [], `unhandled in ${process.name}`);
			this.same(process.all("command-error"), [], `commands of ${process.name}`);
			this.same(process.all("produce-error"), [], `production of ${process.name}`);
		}
	}
}
