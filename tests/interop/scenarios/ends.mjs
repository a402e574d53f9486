// The ends of groups, tracks and sessions, and events that do not end them.
import { upTo } from "../lib/range.mjs";
import { sleep } from "../lib/time.mjs";
import { APP, codeFrom, endFrom } from "./codes.mjs";
import { cppListens, scenario } from "./ways.mjs";

async function killed(o, victim) {
	const { pub, sub, server } = o.way;
	const args = { pub: ["--groups", "0", "--frames", "100", "--frame-gap", "20"], sub: ["--tracks", "1"] };
	const roles = { pub: "publish", sub: "subscribe" };
	const kinds = { pub, sub };
	const client = server === "pub" ? "sub" : "pub";
	const peers = {};
	peers[server] = o.peer(kinds[server], roles[server], ["serve", roles[server], "--stdin", ...args[server]]);
	const [{ url }] = await peers[server].until("listening");
	peers[client] = o.peer(kinds[client], roles[client], [roles[client], url, "--qmux", o.qmux, "--stdin", ...args[client]]);
	await peers.sub.until("frame", { frame: 3 });
	peers[victim].kill();
	const survivor = peers[victim === "pub" ? "sub" : "pub"];
	const [end] = await survivor.until("closed");
	o.expect(end.error !== null && !end.ours, `a lost session closes with an error: ${JSON.stringify(end)}`);
	if (victim === "pub") {
		const [group] = await survivor.until("group");
		const [track] = await survivor.until("track-end");
		o.expect(group.ok && group.frames >= 3, `the group that was cut: ${JSON.stringify(group)}`);
		// For the package every group is whole that ends with the connection.
		if (survivor.kind === "c++") o.expect(group.error !== null && track.error !== null, `an error: ${JSON.stringify([group, track])}`);
	}
	await survivor.exit;
}

export const ends = [
	scenario("aborted groups and tracks", async (o) => {
		const publish = ["--groups", "4", "--frames", "4", "--frame-gap", "20", "--abort-group", "2", "--finish", "abort"];
		await o.pair({ publish, subscribe: ["--tracks", "1"] }, async (pub, sub) => {
			const [end] = await sub.until("track-end");
			o.same([end.error !== null, end.code], [true, endFrom(pub.kind, APP + 9)], "end of the track");
			const groups = sub.all("group");
			o.same(groups.filter((e) => e.error === null && e.ok && e.frames === 4).map((e) => e.group).sort(), [0, 1, 3], "whole groups");
			// An abort takes away the frames that have not been read by then.
			o.same(groups.filter((e) => e.error !== null).map((e) => [e.group, e.frames <= 2, e.ok, e.code]), [[2, true, true, codeFrom(pub.kind, sub.kind, APP + 7)]], "the group that was cut");
		});
	}),

	scenario("silence", async (o) => {
		// Only pings keep it: each side sends some after a third of the idle time of the other, and waits another third for an answer.
		await o.pair({ publish: ["--groups", "1", "--finish", "never"], subscribe: ["--tracks", "1", "--expect", "1"], js: ["--config", "maxIdleTimeout=4500"] }, async (pub, sub) => {
			await sleep(10_500);
			o.same([...pub.all("closed"), ...sub.all("closed")], [], "sessions that have ended");
			sub.say("info test t0");
			await sub.until("info", { asked: true });
		});
	}),

	scenario("the publisher is killed in a group", (o) => killed(o, "pub")),
	scenario("the subscriber is killed in a group", (o) => killed(o, "sub")),

	scenario("one of three is killed, the others go on", async (o) => {
		const { listens, visits } = o;
		const args = { publish: ["--groups", "0", "--rate", "30"], subscribe: ["--tracks", "1", "--detail", "group"] };
		const server = o.peer("c++", "server", ["serve", listens, "--sessions", "3", ...args[listens], "--stay"]);
		const [{ url }] = await server.until("listening");
		const clients = upTo(3).map((i) => o.client("js", visits, url, args[visits], `client ${i}`));
		// Each client has read or written some groups.
		const seen = visits === "subscribe" ? "group" : "group-written";
		await Promise.all(clients.map((client) => client.until(seen, {}, 3)));
		if (visits === "publish") await server.until("group", {}, 9);
		clients[1].kill();
		await server.until("closed");
		const rest = visits === "subscribe" ? [clients[0], clients[2]] : [server];
		await Promise.all(rest.map((reader) => reader.until("group", { error: null }, reader.all("group", { error: null }).length + 10)));
		o.same([...clients[0].all("closed"), ...clients[2].all("closed")], [], "other sessions that have ended");
		await o.goodbye(clients[0], clients[2]);
		await server.exit;
		o.same(server.all("closed").map((e) => e.error === null).sort(), [false, true, true], "ends of the sessions");
	}, cppListens),
];
