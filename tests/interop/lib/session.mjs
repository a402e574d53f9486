// Sessions: as a client over a URL, or as a server over the sockets that come in.
import { createServer } from "node:http";
import * as Moq from "@moq/net";
import Session, { selectSubprotocol } from "@moq/qmux";
import WebSocket, { WebSocketServer } from "ws";
import { Capture } from "./capture.mjs";

const PROTOCOL = "moq-lite-05";

// The qmux drafts to offer or to take, in order of preference.
function wanted(qmux) {
	return qmux === "any" ? ["qmux-02", "qmux-01"] : [qmux];
}

function settings(opts) {
	const config = {};
	for (const [name, value] of Object.entries(opts.config ?? {})) config[name] = BigInt(value);
	return config;
}

export async function connect(url, opts) {
	const capture = opts.capture ? new Capture(opts.capture, "client") : undefined;
	let negotiated = "";
	globalThis.WebSocket = class extends WebSocket {
		constructor(address, protocols) {
			super(address, protocols);
			capture?.attach(this, "client", "server");
			this.once("upgrade", (response) => {
				negotiated = response.headers["sec-websocket-protocol"] ?? "";
				capture?.handshake({ offered: protocols, status: response.statusCode, response: response.headers });
			});
			this.once("unexpected-response", (_, response) => {
				capture?.handshake({ offered: protocols, status: response.statusCode, response: response.headers });
			});
		}
	};

	// Without a choice the package's own `connect` does everything, offers included.
	if (opts.qmux === "stock") {
		const connection = await Moq.Connection.connect(new URL(url), opts.connectOptions);
		return { connection, capture, protocol: () => negotiated };
	}

	const transport = new Session(url, {
		protocols: [PROTOCOL],
		versions: { [PROTOCOL]: wanted(opts.qmux) },
		requireProtocol: true,
		config: settings(opts),
	});
	await transport.ready;
	const connection = await Moq.Connection.connect(new URL(url), { ...opts.connectOptions, transport });
	return { connection, capture, protocol: () => negotiated, transport };
}

export async function serve(opts, accepted) {
	const http = createServer((_, response) => {
		response.writeHead(404);
		response.end();
	});
	const server = new WebSocketServer({ noServer: true, handleProtocols: (offers) => choose([...offers]) });
	const choose = (offers) =>
		selectSubprotocol(offers, {
			protocols: [PROTOCOL],
			versions: { [PROTOCOL]: wanted(opts.qmux === "stock" ? "any" : opts.qmux) },
			requireProtocol: true,
		});

	let count = 0;
	http.on("upgrade", (request, socket, head) => {
		const offers = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((s) => s.trim());
		if (choose(offers) === undefined) {
			socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
			return;
		}
		server.handleUpgrade(request, socket, head, async (ws) => {
			const number = count++;
			const file = opts.capture && (number === 0 ? opts.capture : opts.capture.replace(/(\.json)?$/, `-${number}$1`));
			const capture = file ? new Capture(file, "server") : undefined;
			capture?.handshake({ request: request.headers, chosen: ws.protocol });
			capture?.attach(ws, "server", "client");
			const transport = Session.accept(ws, { config: settings(opts) });
			await transport.ready;
			const url = new URL(request.url, `ws://${request.headers.host}`);
			const connection = await Moq.Connection.accept(transport, url);
			accepted({ connection, capture, protocol: () => ws.protocol, number, transport });
		});
	});

	await new Promise((resolve, reject) => {
		http.once("error", reject);
		http.listen(opts.port, opts.host, resolve);
	});
	return {
		port: http.address().port,
		close() {
			for (const client of server.clients) client.terminate();
			http.close();
		},
	};
}
