// The options of peer.mjs, which explains them at its top.
import { parseArgs } from "node:util";

function usage(message) {
	process.stderr.write(`${message}\nSee the top of peer.mjs.\n`);
	process.exit(2);
}

const text = (fallback) => ({ type: "string", default: fallback });
const flag = { type: "boolean", default: false };
const many = { type: "string", multiple: true, default: [] };

export function parse() {
	const { values: v, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			qmux: text("stock"),
			config: many,
			host: text("127.0.0.1"),
			port: text("0"),
			sessions: text("1"),
			capture: { type: "string" },
			timeout: text("30000"),
			duration: { type: "string" },
			stay: flag,
			stdin: flag,
			verbose: flag,
			broadcast: many,
			tracks: { type: "string" },
			"track-prefix": text("t"),
			track: many,
			groups: text("10"),
			rate: text("0"),
			frames: text("3"),
			"frame-gap": text("0"),
			size: text("100"),
			"first-group": text("0"),
			"big-group": { type: "string" },
			"big-size": text("5000000"),
			"big-frames": text("1"),
			"abort-group": { type: "string" },
			seed: text("comoq"),
			timescale: text("1000"),
			step: text("20"),
			reorder: flag,
			"info-priority": text("0"),
			"info-ordered": flag,
			latency: text("5000"),
			begin: text("demand"),
			finish: text("clean"),
			linger: text("1000"),
			dynamic: flag,
			unknown: text("reject"),
			"keep-tracks": flag,
			"no-announce": flag,
			hashes: flag,
			announced: many,
			priority: { type: "string" },
			ordered: flag,
			"max-latency": { type: "string" },
			start: { type: "string" },
			end: { type: "string" },
			await: flag,
			expect: text("0"),
			"until-end": flag,
			detail: text("frame"),
			next: flag,
			slow: text("0"),
			do: many,
		},
	});

	const number = (name) => {
		if (v[name] === undefined) return undefined;
		const n = Number(v[name]);
		if (!Number.isFinite(n) || n < 0) usage(`--${name} wants a number`);
		return n;
	};
	const role = positionals[0] === "serve" ? positionals[1] : positionals[0];
	const server = positionals[0] === "serve";
	if (role !== "publish" && role !== "subscribe") usage("the role is publish, subscribe, serve publish or serve subscribe");
	if (!server && !positionals[1]) usage("the URL is missing");
	if (!["stock", "any", "qmux-01", "qmux-02"].includes(v.qmux)) usage("--qmux wants stock, any, qmux-01 or qmux-02");

	const opts = {
		...v,
		role,
		server,
		url: server ? undefined : positionals[1],
		config: Object.fromEntries(v.config.map((pair) => pair.split("="))),
		port: number("port"),
		sessions: number("sessions"),
		timeout: number("timeout"),
		duration: number("duration"),
		stay: v.stay || v.stdin || (role === "publish" && v.duration === undefined),
		broadcast: v.broadcast.length > 0 ? v.broadcast : ["test"],
		tracks: number("tracks") ?? (role === "publish" && v.track.length === 0 ? 1 : 0),
		trackPrefix: v["track-prefix"],
		groups: number("groups"),
		rate: number("rate"),
		frames: number("frames"),
		frameGap: number("frame-gap"),
		size: v.size.split(",").map(Number),
		firstGroup: number("first-group"),
		bigGroup: number("big-group"),
		bigSize: number("big-size"),
		bigFrames: number("big-frames"),
		abortGroup: number("abort-group"),
		timescale: number("timescale"),
		step: number("step"),
		infoPriority: number("info-priority"),
		infoOrdered: v["info-ordered"],
		latency: number("latency"),
		linger: number("linger"),
		keepTracks: v["keep-tracks"],
		expect: number("expect"),
		slow: number("slow"),
	};
	opts.subscription = {};
	if (v.priority !== undefined) opts.subscription.priority = number("priority");
	if (v.ordered) opts.subscription.ordered = true;
	if (v["max-latency"] !== undefined) opts.subscription.latencyMax = number("max-latency");
	if (v.start !== undefined) opts.subscription.startGroup = number("start");
	if (v.end !== undefined) opts.subscription.endGroup = number("end");
	return opts;
}
