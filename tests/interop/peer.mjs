#!/usr/bin/env node
// A peer for the interop tests. It uses the stock package @moq/net as an application would.
//
//   node peer.mjs publish   URL  [options]     connects, announces, serves tracks
//   node peer.mjs subscribe URL  [options]     connects, then reads as the options and steps say
//   node peer.mjs serve     publish|subscribe  [options]     accepts sessions on a WebSocket; each one does the named role
//
// Standard output has one JSON object a line: {"event":NAME,"ms":SINCE_START,...}. Standard error is empty unless --verbose.
// Exit code: 0 all steps done, 1 a step failed or timed out or the session was lost before the steps were done, 2 usage.
//
// Session
//   --qmux stock|any|qmux-02|qmux-01   stock (default) lets the package's own connect() offer all it knows (27 names); the others
//                                      offer just these drafts, with moq-lite-05 only. For serve: the drafts that are accepted.
//   --config NAME=N      a qmux limit of this side, again and again: maxStreamsBidi maxStreamsUni maxData maxStreamDataBidiLocal
//                        maxStreamDataBidiRemote maxStreamDataUni maxIdleTimeout maxRecordSize maxDatagramFrameSize
//                        (not with --qmux stock as a client)
//   --host ADDR --port N     serve: where to listen; port 0 (default) picks one, see the event "listening"
//   --sessions N             serve: leave after N sessions are over (default 1, 0 = never)
//   --capture FILE           writes every WebSocket message of the session as JSON
//   --timeout MS             gives up after this time (default 30000); also the limit of one `wait`
//   --duration MS            stays this long after the last step
//   --stay                   stays until the session ends, SIGTERM, or the command `quit`. Implied by publish without --duration.
//   --stdin                  reads commands from standard input, one a line, after the steps of --do; implies --stay
//   --verbose                the package's log on standard error
//
// Publishing
//   --broadcast PATH     a path to announce, again and again (default "test")
//   --tracks N           tracks t0, t1, ... (default 1; --track-prefix changes the t)    --track NAME  more tracks by name
//   --groups N           groups of each track (default 10, 0 = without end)    --rate N  groups a second (default 0 = at once)
//   --frames N           frames of a group (default 3)    --frame-gap MS  pause after each frame
//   --size N[,N...]      sizes of the frames, used in turn (default 100)
//   --first-group N      first sequence (default 0)
//   --big-group SEQ --big-size N --big-frames N      one group of another size (default size 5000000 in 1 frame)
//   --abort-group SEQ    this group is reset after half of its frames
//   --seed TEXT          of the payloads, see lib/payload.mjs (default "comoq"; subscriber: "" checks nothing)
//   --timescale N --step N   timestamp of a frame is (group * max(frames, 2) + frame) * step   (default 1000, 20)
//   --reorder            swaps the timestamps of neighbours, so that deltas are negative
//   --info-priority N --info-ordered --latency MS      the track info (defaults 0, false, 5000)
//   --begin now|demand   when groups are produced: at once, or with the first subscriber (default demand)
//   --finish clean|abort|never   the end of a track after its last group (default clean)    --linger MS  before that (1000)
//   --dynamic            tracks are not there beforehand but made for each request; each request gets all groups from the first
//   --unknown reject|ignore      the answer to a request for another track (default reject); ignore never answers
//   --keep-tracks        unannouncing leaves the running tracks alone instead of closing them
//   --no-announce        nothing is announced at the start (see the command `announce`)
//
// Subscribing
//   --announced PREFIX   asks for announcements ("" for all), again and again
//   --broadcast PATH --tracks N --track NAME     subscribes to these; nothing is subscribed without --tracks or --track
//   --priority N --ordered --max-latency MS --start N --end N       the options of these subscriptions
//   --await              waits for the announcement of each broadcast before subscribing (needs --announced)
//   --expect N           waits for N whole groups of each track;    --until-end  waits for the end of each track
//   --detail frame|group     prints each frame and group, or groups only (default frame)
//   --next               reads in order of sequence, dropping late groups, instead of all as they come
//   --slow MS            pause after taking each group
//
// Steps: --do COMMAND, again and again, in order, after the above. Commands of all roles:
//   announce PATH · unannounce PATH · finish PATH TRACK · abort PATH TRACK
//   announced PREFIX · unannounced PREFIX · watch PATH · unwatch PATH
//   subscribe PATH TRACK [NAME=VALUE...] · update PATH TRACK NAME=VALUE... · unsubscribe PATH TRACK · release PATH
//        NAME is priority, ordered (true/false), latencyMax, startGroup, endGroup
//   info PATH TRACK · fetch PATH TRACK GROUP [priority=N]        these two come back when the answer is complete
//   wait MS · await EVENT [NAME=VALUE...] [xN]     sleeps; waits until N events (default 1) of that name with these fields have been
//                                                  printed, those of the past included
//   close · quit       close ends the session, quit ends the process after that
// An empty PREFIX or PATH is written as a single dash.
//
// Events
//   listening {port,url} · session {session} (serve) · connected {version,protocol,transport,role} · steps-done · closed {error} · fault {error}
//   published {broadcast,tracks} · unpublished {broadcast} · demand {broadcast,track,subscription|null}
//   request {broadcast,track,known,subscription} · group-written {broadcast,track,group,frames,bytes,aborted} · track-written {broadcast,track}
//   announce {prefix,broadcast,suffix} · unannounce {prefix,broadcast,suffix} · announced-end {prefix,error} · online/offline {broadcast}
//   subscribe {broadcast,track,...} · update {broadcast,track,...} · info {broadcast,track,timescale,latencyMax,priority,ordered} · info-error
//   group-start {broadcast,track,group} · frame {broadcast,track,group,frame,size,timestamp,scale,sha256,ok}
//   group {broadcast,track,group,frames,bytes,ok,error,timestamps[],sha256[]}     `ok`: every payload is the one of lib/payload.mjs
//   track-end {broadcast,track,groups,error,code}      code: that of the peer's reset
//   fetch-start, fetch-frame, fetch like the three above · fetch-error {broadcast,track,group,error,code}
//   command {command} · command-error {command,error} · unhandled {error}: a promise of the package that nobody caught
//
// Limits of the package that a runner has to plan for
//   A subscription costs a TRACK stream and then a SUBSCRIBE stream that stays, out of 100 at a time; the package gives stream credit
//   back late, so beyond some 60 live subscriptions give --config maxStreamsBidi=1000 to the side that serves them.
//   A subscriber takes the end of the subscribe stream for the end of everything: groups it has not read by then are cut short and still
//   look whole. The publisher ends that stream as soon as its track closes, ahead of group data. Hence --linger; never expect all groups
//   together with --linger 0, and count with --expect and --finish never where data matters.
//   A group keeps 1024 frames or 32 MiB; reading slower fails with "lagged". Closed groups older than the track's latency are dropped,
//   the newest too, so a fetch or a late join finds nothing after --latency without a new group.
import "./lib/polyfill.mjs";
import { createInterface } from "node:readline";
import { parse } from "./lib/options.mjs";
import { describe, emit, onEvent } from "./lib/output.mjs";
import { Publisher } from "./lib/publisher.mjs";
import { connect, serve } from "./lib/session.mjs";
import { Subscriber } from "./lib/subscriber.mjs";
import { sleep } from "./lib/time.mjs";

process.on("unhandledRejection", (err) => emit("unhandled", describe(err)));
process.stdout.on("error", () => process.exit(1));

function value(word) {
	if (word === "true" || word === "false") return word === "true";
	return word !== "" && Number.isFinite(Number(word)) ? Number(word) : word;
}

// NAME=VALUE words as an object.
function pairs(words) {
	return Object.fromEntries(
		words.map((word) => {
			const at = word.indexOf("=");
			if (at < 1) throw new Error(`not NAME=VALUE: ${word}`);
			return [word.slice(0, at), value(word.slice(at + 1))];
		}),
	);
}

const events = [];
onEvent((line) => events.push(line));

// Waits until `count` events with this name and these fields have been printed since the start.
function awaitEvents(name, fields, count, timeout, since = 0) {
	const fits = (line) => line.event === name && Object.entries(fields).every(([k, v]) => line[k] === v);
	return new Promise((resolve, reject) => {
		let seen = events.slice(since).filter(fits).length;
		if (seen >= count) return resolve();
		const timer = setTimeout(() => {
			off();
			reject(new Error(`timed out waiting for ${count} x ${name} ${JSON.stringify(fields)}, saw ${seen}`));
		}, timeout);
		const off = onEvent((line) => {
			if (fits(line) && ++seen >= count) {
				clearTimeout(timer);
				off();
				resolve();
			}
		});
	});
}

class Actor {
	#since = events.length;

	constructor(session, opts) {
		this.session = session;
		this.connection = session.connection;
		this.opts = opts;
		this.publisher = new Publisher(this.connection, opts);
		this.subscriber = new Subscriber(this.connection, opts);
		this.closing = false;
		this.quit = new Promise((resolve) => {
			this.leave = resolve;
		});
		this.closed = this.connection.closed.then(
			() => emit("closed", { error: null, ours: this.closing }),
			(err) => emit("closed", { ...describe(err), ours: this.closing }),
		);
	}

	async run() {
		const { opts } = this;
		emit("connected", {
			version: this.connection.version,
			transport: this.connection.transport,
			protocol: this.session.protocol(),
			role: opts.role,
			server: opts.server,
		});
		const lost = this.closed.then(() => {
			if (!this.closing) throw new Error("the session ended before the steps were done");
		});
		lost.catch(() => {});
		await Promise.race([this.#steps(), lost]);
		emit("steps-done");

		if (opts.stdin) this.#commands();
		if (opts.duration !== undefined) await Promise.race([sleep(opts.duration), this.closed, this.quit]);
		else if (opts.stay) await Promise.race([this.closed, this.quit]);
		await this.close();
	}

	async close() {
		this.closing = true;
		this.publisher.close();
		this.subscriber.close();
		this.connection.close();
		await this.closed;
		// The package closes the socket 100 ms after its last frame.
		await sleep(200);
	}

	async #steps() {
		const { opts } = this;
		if (opts.role === "publish" && !opts["no-announce"]) {
			for (const path of opts.broadcast) this.publisher.announce(path);
		}
		for (const prefix of opts.announced) this.subscriber.announced(prefix === "-" ? "" : prefix);
		if (opts.role === "subscribe") {
			const names = this.publisher.names();
			for (const path of opts.broadcast) {
				if (opts.await) await this.#wait("announce", { broadcast: path }, 1);
				for (const name of names) this.subscriber.subscribe(path, name, { ...opts.subscription });
			}
			for (const path of opts.broadcast) {
				for (const track of names) {
					if (opts.expect > 0) await this.#wait("group", { broadcast: path, track }, opts.expect);
					if (opts["until-end"]) await this.#wait("track-end", { broadcast: path, track }, 1);
				}
			}
		}
		for (const command of opts.do) await this.command(command);
	}

	#wait(name, fields, count) {
		return awaitEvents(name, fields, count, this.opts.timeout, this.#since);
	}

	#commands() {
		const lines = createInterface({ input: process.stdin });
		let last = Promise.resolve();
		lines.on("line", (line) => {
			if (line.trim() === "") return;
			last = last.then(() => this.command(line)).catch((err) => emit("command-error", { command: line, ...describe(err) }));
		});
		lines.on("close", () => void last.then(() => this.leave()));
	}

	async command(line) {
		const [name, ...words] = line.trim().split(/\s+/);
		const path = (i = 0) => {
			if (words[i] === undefined) throw new Error(`${name}: too few words`);
			return words[i] === "-" ? "" : words[i];
		};
		emit("command", { command: line });
		switch (name) {
			case "announce":
				return this.publisher.announce(path());
			case "unannounce":
				return this.publisher.unannounce(path());
			case "finish":
				return this.publisher.finish(path(), path(1), false);
			case "abort":
				return this.publisher.finish(path(), path(1), true);
			case "announced":
				return this.subscriber.announced(path());
			case "unannounced":
				return this.subscriber.unannounced(path());
			case "watch":
				return this.subscriber.watch(path());
			case "unwatch":
				return this.subscriber.unwatch(path());
			case "subscribe":
				return this.subscriber.subscribe(path(), path(1), pairs(words.slice(2)));
			case "update":
				return this.subscriber.update(path(), path(1), pairs(words.slice(2)));
			case "unsubscribe":
				return this.subscriber.unsubscribe(path(), path(1));
			case "release":
				return this.subscriber.release(path());
			case "info":
				return await this.subscriber.info(path(), path(1));
			case "fetch":
				return await this.subscriber.fetch(path(), path(1), Number(path(2)), pairs(words.slice(3)));
			case "wait":
				return await sleep(Number(path()));
			case "await": {
				const times = /^x\d+$/.test(words.at(-1)) ? Number(words.pop().slice(1)) : 1;
				return await this.#wait(path(), pairs(words.slice(1)), times);
			}
			case "close":
				return await this.close();
			case "quit":
				return this.leave();
			default:
				throw new Error(`unknown command: ${name}`);
		}
	}
}

const opts = parse();
let failed = false;
let finish;
const over = new Promise((resolve) => {
	finish = resolve;
});
const actors = new Set();

async function drive(session) {
	const actor = new Actor(session, opts);
	actors.add(actor);
	try {
		await actor.run();
	} catch (err) {
		failed = true;
		emit("fault", describe(err));
		await actor.close();
	}
	actors.delete(actor);
}

const deadline = setTimeout(
	() => {
		emit("fault", { error: "timed out" });
		failed = true;
		finish();
	},
	opts.timeout + (opts.duration ?? 0),
);
if (opts.stay && opts.role === "publish") clearTimeout(deadline);
process.on("SIGTERM", () => {
	if (actors.size === 0) finish();
	for (const actor of actors) actor.leave();
});

if (opts.server) {
	let done = 0;
	const server = await serve(opts, (session) => {
		emit("session", { session: session.number });
		void drive(session).then(() => {
			if (++done === opts.sessions) finish();
		});
	});
	emit("listening", { port: server.port, url: `ws://${opts.host}:${server.port}/` });
	await over;
	server.close();
} else {
	try {
		const session = await connect(opts.url, opts);
		void drive(session).then(finish);
		await over;
	} catch (err) {
		failed = true;
		emit("fault", { where: "connect", ...describe(err) });
	}
}
process.stdout.write("", () => process.exit(failed ? 1 : 0));
