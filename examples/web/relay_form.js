// The relay at the top of a page: its address, and how the connection is.
import { relayUrl, stayConnected } from "./connection.js";

const $ = (id) => document.getElementById(id);

// Begins with the address in the page's own. `connected` gets each session, and `disconnected` hears of its end.
export function followRelay({ connected, disconnected }) {
	let session;
	let attempt = new AbortController();

	const lost = () => {
		session = undefined;
		disconnected();
	};
	const told = {
		connecting: () => showStatus("connecting", "Connecting…"),
		connected(made, way) {
			session = made;
			showStatus("connected", `Connected by ${way}, ${session.version}`);
			connected(session);
		},
		lost(trouble) {
			lost();
			showStatus("lost", "Not connected", trouble);
		},
	};
	const start = (text) => {
		attempt.abort();
		attempt = new AbortController();
		session?.close();
		lost();
		try {
			const url = relayUrl(text);
			$("relay").value = url.href;
			void stayConnected(url, attempt.signal, told);
		} catch (err) {
			showStatus("lost", "Not connected", err instanceof TypeError ? "This is not an address." : err.message);
		}
	};

	$("relay-form").addEventListener("submit", (event) => {
		event.preventDefault();
		const query = new URLSearchParams(location.search);
		if ($("relay").value.trim()) query.set("relay", $("relay").value.trim());
		else query.delete("relay");
		history.replaceState(null, "", `?${query}`);
		start($("relay").value);
	});
	start(new URLSearchParams(location.search).get("relay") ?? "");
}

function showStatus(state, text, trouble = "") {
	$("status").dataset.state = state;
	$("status").textContent = text;
	// The last error stays visible while it tries again.
	if (state !== "connecting") {
		$("trouble").textContent = trouble;
		$("trouble").hidden = trouble === "";
	}
}
