// A connection to a relay that comes back by itself.
import * as Moq from "@moq/net";
import Session from "@moq/qmux";

const CONNECT_TIMEOUT = 10_000;
const HEAD_START = 500;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

// The package does not speak moq-lite-06.
const PROTOCOLS = ["moq-lite-05"];

export function relayUrl(text) {
	const url = new URL(text.trim() || "/", location.href);
	url.protocol = url.protocol.replace(/^http/, "ws");
	if (!/^wss?:$/.test(url.protocol)) throw new Error("The address of a relay begins with ws:// or wss://.");
	url.hash = "";
	return url;
}

async function connect(url, signal) {
	let transport;
	try {
		transport = await openTransport(url, signal);
	} catch {
		throw new Error(await whyNot(url));
	}
	const session = await Moq.Connection.connect(url, { transport, signal });
	// Only the transport has the reason of an orderly end; the session has not.
	return { session, closed: transport.closed, way: transport instanceof Session ? "WebSocket" : "WebTransport" };
}

// WebTransport, and WebSocket half a second later, or as soon as WebTransport has failed. The package does the same, but
// neither as it is configured here nor with the reason of the end.
async function openTransport(url, signal) {
	const over = new AbortController();
	const stop = AbortSignal.any([signal, over.signal, AbortSignal.timeout(CONNECT_TIMEOUT)]);
	const quic = openWebTransport(url, stop);
	const hasFailed = new Promise((resolve) => quic.catch(resolve));
	const socket = Promise.race([sleep(HEAD_START, stop), hasFailed]).then(() => openWebSocket(url, stop));
	try {
		return await Promise.any([quic, socket]);
	} finally {
		over.abort();
	}
}

async function openWebTransport(url, stop) {
	const https = new URL(url);
	https.protocol = "https:";
	const options = { protocols: PROTOCOLS, allowPooling: false, congestionControl: "low-latency" };
	if (url.protocol === "ws:") {
		https.port = url.port || "80";
		options.serverCertificateHashes = [{ algorithm: "sha-256", value: await certificateHash(url, stop) }];
	}
	return whenReady(new WebTransport(https, options), stop);
}

function openWebSocket(url, stop) {
	stop.throwIfAborted();
	const versions = { "moq-lite-05": ["qmux-02", "qmux-01"] };
	return whenReady(new Session(url, { protocols: PROTOCOLS, versions, requireProtocol: true }), stop);
}

async function whenReady(transport, stop) {
	const giveUp = () => transport.close();
	stop.addEventListener("abort", giveUp);
	transport.closed.catch(() => {});
	try {
		await transport.ready;
		if (stop.aborted) giveUp();
		stop.throwIfAborted();
		return transport;
	} finally {
		stop.removeEventListener("abort", giveUp);
	}
}

// A relay for development has a certificate that no authority has signed, and tells its hash.
async function certificateHash(url, signal) {
	const http = new URL("/certificate.sha256", url);
	http.protocol = "http:";
	const answer = await fetch(http, { cache: "no-store", signal });
	const digits = (await answer.text()).trim();
	if (!answer.ok || !/^[0-9a-f]{64}$/.test(digits)) throw new Error("The relay has no certificate.");
	return Uint8Array.from(digits.match(/../g), (pair) => Number.parseInt(pair, 16));
}

// A browser does not say why a WebSocket failed. Whether the server answers HTTP tells "refused" from "not there".
async function whyNot(url) {
	const http = new URL("/", url);
	http.protocol = url.protocol.replace("ws", "http");
	try {
		await fetch(http, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(3000) });
		return `${url.host} is there, but refused the connection.`;
	} catch {
		return `${url.host} cannot be reached.`;
	}
}

// `told` hears of every change: connecting(), connected(session, way), and lost(trouble), before each further try.
export async function stayConnected(url, signal, told) {
	let pause = FIRST_PAUSE;
	while (!signal.aborted) {
		told.connecting();
		let since = Number.POSITIVE_INFINITY;
		let trouble;
		try {
			const { session, closed, way } = await connect(url, signal);
			if (signal.aborted) return session.close();
			since = performance.now();
			told.connected(session, way);
			trouble = await closed.then(
				({ reason }) => `The relay closed the connection${reason && `: ${reason}`}`,
				(err) => `The connection was lost: ${err.message}`,
			);
		} catch (err) {
			trouble = err.message;
		}
		if (signal.aborted) return;
		// A relay that accepts and drops the connection at once must not be hammered.
		if (performance.now() - since > LONGEST_PAUSE) pause = FIRST_PAUSE;
		told.lost(`${trouble.trim().replace(/\.?$/, ".")} Trying again…`);
		await sleep(pause, signal);
		pause = Math.min(pause * 2, LONGEST_PAUSE);
	}
}

function sleep(ms, signal) {
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal.addEventListener("abort", done);
	});
}
