// A camera and a microphone, or a screen, in a broadcast: the stock <moq-publish> over a connection of this page.
import { followRelay } from "./relay_form.js";
import { stockConnection } from "./stock_broadcast.js";

const CHOICES = ["muted", "invisible"];

const $ = (id) => document.getElementById(id);

let connection;
let publisher;

function connected(session) {
	connection = session;
	connectPublisher();
}

function disconnected() {
	connection = undefined;
	connectPublisher();
}

// ---- The publisher

async function publish(name) {
	stop();
	// A page of another address than localhost has no camera without TLS.
	if (!navigator.mediaDevices) return show("failed", "The browser gives cameras to pages at https:// and at localhost only.");
	await import("@moq/publish/element");
	publisher = document.createElement("moq-publish");
	const video = document.createElement("video");
	video.muted = video.autoplay = video.playsInline = true;
	publisher.append(video);
	publisher.name = name;
	for (const choice of CHOICES) publisher[choice] = $(choice).checked;
	publisher.source = $("source").value;
	const mine = publisher;
	publisher.signals.run((effect) => {
		const picture = effect.get(mine.broadcast.video.source);
		const sound = effect.get(mine.broadcast.audio.source);
		if (mine !== publisher) return;
		if (picture || sound) show("live", `“${name}” is published${picture ? "" : " without pictures"}${sound ? "" : " without sound"}.`);
		else show("waiting", "Waiting for a source. Did the browser ask for leave to use it?");
	});
	$("preview").replaceChildren(publisher);
	$("preview").hidden = false;
	$("stop").disabled = false;
	connectPublisher();
}

function connectPublisher() {
	publisher?.connection.established.set(connection && stockConnection(connection));
}

function stop() {
	if (!publisher) return;
	publisher.connection.established.set(undefined);
	publisher.source = null;
	// The element leaves its sources open when it leaves the page.
	publisher.signals.close();
	publisher = undefined;
	$("preview").replaceChildren();
	$("preview").hidden = true;
	$("stop").disabled = true;
	show("idle", "Nothing is published.");
}

function show(state, text) {
	$("publish").dataset.state = state;
	$("publish-note").textContent = text;
}

// ---- The page

$("publish-form").addEventListener("submit", (event) => {
	event.preventDefault();
	void publish($("name").value.trim());
});

$("stop").addEventListener("click", stop);
for (const choice of CHOICES) {
	$(choice).addEventListener("change", () => {
		if (publisher) publisher[choice] = $(choice).checked;
	});
}

const query = new URLSearchParams(location.search);
$("name").value = query.get("name") ?? "camera.hang";
$("watch-link").search = location.search;
followRelay({ connected, disconnected });
