// A publisher and a subscriber that behave, and the faults that they notice.
import { Child, packagePeer } from "../lib/child.mjs";
import { upTo } from "../lib/range.mjs";
import { sleep } from "../lib/time.mjs";

const bystander = (args, onLine) => new Child(...packagePeer(args), { stream: "stdout", onLine });

export class Bystanders {
	// Begins with a relay; the rest can wait until twenty groups have come.
	async open(url) {
		this.written = [];
		this.groups = [];
		this.trouble = [];
		const watch = (list, event) => (line) => {
			const said = JSON.parse(line);
			if (said.event === event) list.push({ group: said.group, ms: said.ms, ok: said.ok !== false && !said.error, at: performance.now() });
			else if (["fault", "closed", "unhandled", "track-end", "produce-error"].includes(said.event) && !this.leaving)
				this.trouble.push(line.slice(0, 200));
		};
		this.publisher = bystander(
			["publish", url, "--broadcast", "room/stander", "--groups", "0", "--rate", "20", "--size", "1000", "--begin", "now", "--finish", "never", "--latency", "30000"],
			watch(this.written, "group-written"),
		);
		while (this.written.length < 3 && this.publisher.code === undefined) await sleep(50);
		this.subscriber = bystander(
			["subscribe", url, "--broadcast", "room/stander", "--tracks", "1", "--detail", "group", "--stay", "--timeout", "600000"],
			watch(this.groups, "group"),
		);
		const began = performance.now();
		while (this.groups.length < 20) {
			if (performance.now() - began > 20_000) throw new Error(`the bystanders do not begin: ${this.publisher.errors}${this.subscriber.errors}`);
			await sleep(50);
		}
	}
	// Waits for the groups in flight: whether they are late is judged afterwards. Returns the last group that is to come.
	async settle() {
		const last = this.written.at(-1)?.group ?? 0;
		for (let i = 0; i < 300 && (this.groups.at(-1)?.group ?? -1) < last; i++) await sleep(50);
		return last;
	}
	async close() {
		await Promise.all([this.publisher.end(3000), this.subscriber.end(3000)]);
	}
	// Whether every group came once and whole.
	judge(last) {
		const faults = [];
		const seen = new Set();
		for (const group of this.groups) {
			if (seen.has(group.group)) faults.push(`group ${group.group} came twice`);
			if (!group.ok) faults.push(`group ${group.group} is not whole`);
			seen.add(group.group);
		}
		const first = Math.min(...seen);
		const missing = upTo(last + 1 - first).map((i) => first + i).filter((n) => !seen.has(n));
		if (missing.length > 0) faults.push(`${missing.length} groups are missing: ${missing.slice(0, 10).join(" ")}`);
		return faults.slice(0, 8);
	}
	// How much later than the fastest one each group came.
	#delays() {
		const written = new Map(this.written.map((g) => [g.group, g.ms]));
		const ways = this.groups.filter((g) => written.has(g.group)).map((g) => ({ ...g, way: g.ms - written.get(g.group) }));
		const fastest = Math.min(...ways.map(({ way }) => way));
		return ways.map((g) => ({ ...g, late: g.way - fastest }));
	}
	// The groups that came later than that. Each tells its time since `began`.
	late(allowed, began) {
		const late = this.#delays().filter((g) => g.late > allowed);
		return late.slice(0, 3).map((g) => `group ${g.group} came ${g.late.toFixed(0)} ms late, ${((g.at - began) / 1000).toFixed(1)} s after the beginning (${late.length} such)`);
	}
	// The longest delay of all groups that have come since then.
	lateness(since = 0) {
		return Math.max(0, ...this.#delays().filter(({ at }) => at > since).map(({ late }) => late));
	}
	async newcomer(url) {
		const it = bystander(
			["subscribe", url, "--broadcast", "room/stander", "--tracks", "1", "--detail", "group", "--expect", "5", "--timeout", "20000"],
			() => {},
		);
		const code = await Promise.race([it.exit, sleep(25_000)]);
		if (code === undefined) it.kill();
		if (code !== 0) throw new Error(`exit code ${code}`);
	}
}
