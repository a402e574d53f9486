// A relay of the examples, with a listener for WebSocket and pages.
import { Child } from "./child.mjs";

// `words` are options beside `--listen`; `onLine` gets each line of its log. Gives the relay and its port.
export function startRelay(program, words, { port = 0, onLine = () => {} } = {}) {
	return new Promise((resolve, reject) => {
		const relay = new Child(program, ["--log", "info", "--listen", `ws://127.0.0.1:${port}`, ...words], {
			stream: "stderr",
			onLine(line) {
				onLine(line);
				const listening = /event=listening url=ws:\/\/[^:]*:(\d+)/.exec(line);
				if (listening) resolve({ relay, port: Number(listening[1]) });
			},
			onExit: () => reject(new Error(`the relay ended: ${relay.errors}`)),
		});
	});
}
