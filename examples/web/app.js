// The contents of a relay: its announcements as they come and go, and the groups of one requested track.
import * as Moq from "@moq/net";
import { relayUrl } from "./connection.js";
import { followRelay } from "./relay_form.js";

const ROWS = 100;
const PAINT_INTERVAL = 100;

const $ = (id) => document.getElementById(id);

// ---- Connection

let connection;

function connected(session) {
	connection = session;
	void followAnnounced(session);
	if (watch) void read(watch);
}

function disconnected() {
	connection = undefined;
	clearAnnounced("Not connected.");
	if (watch) showWatch("lost", "Not connected. The track is requested again as soon as the relay is back.");
}

// ---- Announcements

async function followAnnounced(session) {
	clearAnnounced("Nothing is announced.");
	const announced = session.announced();
	try {
		for (;;) {
			const event = await announced.next();
			if (session !== connection) return;
			if (!event) break;
			if (event.active) addAnnounced(event.path);
			else removeAnnounced(event.path);
		}
		clearAnnounced("The relay announces no more.");
	} catch (err) {
		if (session === connection) clearAnnounced(`No announcements: ${explain(err)}`);
	}
}

const findAnnounced = (path) => [...$("announced").children].find((item) => item.dataset.path === path);

function addAnnounced(path) {
	// The watched broadcast has come, or come back.
	if (watch?.path === path && ["error", "ended"].includes($("watch").dataset.state)) void read(watch);
	if (findAnnounced(path)) return;
	const item = document.createElement("li");
	item.dataset.path = path;
	const button = document.createElement("button");
	button.type = "button";
	button.textContent = path || "(the root)";
	button.addEventListener("click", () => {
		$("broadcast").value = path;
		if ($("track").value) $("ask-form").requestSubmit();
		else void play(path);
	});
	item.append(button);
	const after = [...$("announced").children].find((other) => other.dataset.path > path);
	$("announced").insertBefore(item, after ?? null);
	countAnnounced();
}

function removeAnnounced(path) {
	findAnnounced(path)?.remove();
	countAnnounced();
}

function clearAnnounced(note) {
	$("announced").replaceChildren();
	$("announced-note").textContent = note;
	countAnnounced();
}

function countAnnounced() {
	const count = $("announced").children.length;
	$("announced-count").textContent = count;
	$("announced-note").hidden = count > 0;
}

// ---- The requested track

let watch;

function ask(path, track) {
	leave();
	watch = { path: Moq.Path.from(path), track, groups: 0, whole: 0, frames: 0, bytes: 0, last: undefined, recent: [] };
	$("leave").disabled = false;
	$("groups").tBodies[0].replaceChildren();
	$("totals").hidden = true;
	$("groups").hidden = true;
	paint();
	if (connection) void read(watch);
	else showWatch("lost", "Not connected. The track is requested as soon as the relay is back.");
}

// ---- The stock player, for broadcasts with a catalog

async function play(path) {
	if (!path) return $("broadcast").focus();
	leave();
	// It is most of the page's code, and not needed to look at tracks.
	await import("@moq/watch/element");
	const url = relayUrl($("relay").value);
	url.protocol = url.protocol.replace("ws", "http");
	const player = document.createElement("moq-watch");
	player.append(document.createElement("canvas"));
	// What is made on demand is never announced: the player must not wait for that.
	if (!findAnnounced(path)) player.setAttribute("reload", "false");
	player.setAttribute("name", path);
	player.url = url;
	$("player").replaceChildren(player);
	$("player").hidden = false;
	$("totals").hidden = $("groups").hidden = true;
	$("leave").disabled = false;
	showWatch("playing", `Playing “${path}”.`);
}

function stopPlaying() {
	if ($("player").hidden) return;
	$("player").replaceChildren();
	$("player").hidden = true;
	$("leave").disabled = true;
	showWatch("idle", "Left.");
}

function leave() {
	stopPlaying();
	if (!watch) return;
	watch.close?.();
	watch = undefined;
	$("leave").disabled = true;
	showWatch("idle", "Left.");
}

async function read(mine) {
	const session = connection;
	const name = `“${mine.track}” of “${mine.path}”`;
	const current = () => mine === watch && session === connection;
	const broadcast = session.consume(mine.path);
	// Without a maximum latency only the newest group is certain to be sent in full.
	const subscriber = broadcast.subscribe(mine.track, { latencyMax: 5000 });
	mine.close = () => {
		subscriber.close();
		broadcast.close();
	};
	showWatch("asking", `Asking for ${name}…`);
	subscriber.info().then(
		() => current() && showWatch("live", name),
		() => {},
	);
	const reads = new Set();
	try {
		for (;;) {
			const group = await subscriber.recvGroup();
			if (!group) break;
			if (!current()) return;
			const reading = readGroup(mine, group);
			reads.add(reading);
			void reading.finally(() => reads.delete(reading));
		}
		await Promise.allSettled(reads);
		if (current()) showWatch("ended", `${name} has ended.`);
	} catch (err) {
		if (current()) showWatch("error", `${name}: ${explain(err)}`);
	} finally {
		broadcast.close();
	}
}

async function readGroup(mine, group) {
	const now = performance.now();
	const gap = mine.last === undefined ? "first" : duration(now - mine.last);
	const record = { sequence: group.sequence, gap, frames: 0, bytes: 0, start: undefined, state: "open", error: "" };
	mine.recent.unshift(record);
	if (mine.recent.length > ROWS) mine.recent.pop();
	mine.last = now;
	mine.groups++;
	changed(record);
	try {
		for (;;) {
			const frame = await group.readFrame();
			if (!frame) break;
			record.start ??= beginning(frame.payload);
			record.frames++;
			record.bytes += frame.payload.byteLength;
			mine.frames++;
			mine.bytes += frame.payload.byteLength;
			changed(record);
		}
		record.state = "done";
		mine.whole++;
	} catch (err) {
		record.state = "error";
		record.error = explain(err);
	}
	changed(record);
}

function showWatch(state, text) {
	$("watch").dataset.state = state;
	$("watch-note").textContent = text;
}

// A track may have thousands of frames a second: draw changes only a few times a second.
let painting;

function changed(record) {
	record.stale = true;
	painting ??= setTimeout(paint, PAINT_INTERVAL);
}

function paint() {
	clearTimeout(painting);
	painting = undefined;
	if (!watch) return;
	$("watch").dataset.groups = watch.whole;
	$("totals").hidden = $("groups").hidden = watch.groups === 0;
	$("total-groups").textContent = watch.groups.toLocaleString("en");
	$("total-frames").textContent = watch.frames.toLocaleString("en");
	$("total-bytes").textContent = size(watch.bytes);
	showAge();

	const rows = $("groups").tBodies[0];
	for (const record of watch.recent.toReversed()) {
		if (!record.row) {
			record.row = $("group-row").content.cloneNode(true).firstElementChild;
			rows.prepend(record.row);
		}
		if (record.stale) fill(record);
	}
	while (rows.children.length > watch.recent.length) rows.lastElementChild.remove();
}

function fill(record) {
	const { row, sequence, frames, bytes, gap, start } = record;
	record.stale = false;
	row.dataset.sequence = sequence;
	row.dataset.state = record.state;
	row.title = record.error;
	const texts = { sequence, frames, bytes: size(bytes), gap, start: start?.text ?? "" };
	for (const [name, text] of Object.entries(texts)) row.querySelector(`.${name}`).textContent = text;
	row.querySelector(".start").dataset.kind = start?.kind ?? "";
}

function showAge() {
	if (watch) $("last-group").textContent = watch.last === undefined ? "–" : `${duration(performance.now() - watch.last)} ago`;
}

// ---- Words and numbers

// The meaning of our relay's codes. For 0 and 1 only the likeliest cause is known.
const REASONS = new Map([
	[0x00, "its publisher has gone."],
	[0x01, "refused, or closed by its publisher. Most likely nobody has it."],
	[0x02, "too late."],
	[0x03, "not allowed, or the session was closed."],
	[0x04, "its publisher is about to leave."],
	[0x05, "this page fell too far behind."],
	[0x31, "nobody answered in time."],
	[0x33, "unknown: nobody has it."],
	[0x34, "too old, and no longer kept."],
	[0x35, "no longer kept."],
	[0x36, "unknown: no route leads to it."],
]);

function explain(err) {
	if (err instanceof Moq.RemoteError) return REASONS.get(err.code) ?? `ended with code ${err.code}.`;
	if (/timed out/.test(err?.message)) return "no answer within 10 seconds.";
	return err?.message ?? String(err);
}

function beginning(payload) {
	let text;
	try {
		// In streaming mode a character that is cut off at the end is not an error.
		text = new TextDecoder("utf-8", { fatal: true }).decode(payload.subarray(0, 80), { stream: true });
	} catch {}
	if (text !== undefined && !/[^\P{C}\t\n\r]/u.test(text)) return { kind: "text", text };
	return { kind: "hex", text: [...payload.subarray(0, 16)].map((b) => b.toString(16).padStart(2, "0")).join(" ") };
}

function size(bytes) {
	if (bytes < 10_000) return `${bytes.toLocaleString("en")} B`;
	if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
	return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function duration(ms) {
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
	return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

// ---- The page

$("ask-form").addEventListener("submit", (event) => {
	event.preventDefault();
	ask($("broadcast").value.trim(), $("track").value.trim());
});

$("leave").addEventListener("click", leave);
$("play").addEventListener("click", () => void play($("broadcast").value.trim()));

setInterval(showAge, 200);
followRelay({ connected, disconnected });
