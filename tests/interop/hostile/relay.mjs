// The relay under attack: its process, its log and its memory.
import { readdirSync, readFileSync } from "node:fs";
import { Child } from "../lib/child.mjs";

export class Relay {
	lines = []; // of its log, about the bystanders
	reports = []; // lines that are not of a log

	async open(program, args) {
		let resolve;
		const listening = new Promise((go) => {
			resolve = go;
		});
		const urls = [];
		const env = { ...process.env };
		env.ASAN_OPTIONS = `${env.ASAN_OPTIONS ? `${env.ASAN_OPTIONS}:` : ""}quarantine_size_mb=16`;
		const listen = ["--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0"];
		const onLine = (line) => {
			if (line.startsWith("time=") && !/Sanitizer|runtime error/.test(line)) {
				const found = /event=listening url=(\S+)/.exec(line);
				if (found && urls.push(found[1].replaceAll('"', "")) === 2) resolve();
				// The bystanders are the first two.
				if (/event=session_closed id=[12] /.test(line)) this.lines.push(line);
				return;
			}
			this.reports.push(line);
		};
		this.child = new Child(program, [...listen, "--threads", "2", "--log", "warning", ...args, "--log", "info"], { stream: "stderr", onLine, env });
		void this.child.exit.then(resolve);
		await listening;
		if (urls.length !== 2) throw new Error(`the relay does not listen: ${this.reports.join(" | ")}`);
		[this.tcp, this.ws] = [urls.find((u) => u.startsWith("tcp")), urls.find((u) => u.startsWith("ws"))];
	}

	get code() {
		return this.child.code;
	}
	// Of all threads, in nanoseconds: on a processor, and waiting for one. Zeros where the system does not say so.
	processors() {
		const sum = { ran: 0, waited: 0 };
		try {
			const tasks = `/proc/${this.child.pid}/task`;
			for (const task of readdirSync(tasks)) {
				const [ran, waited] = readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ").map(Number);
				sum.ran += ran;
				sum.waited += waited;
			}
		} catch {}
		return sum;
	}
	// In MiB.
	rss() {
		try {
			const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"));
			return found ? Number(found[1]) / 1024 : 0;
		} catch {
			return 0;
		}
	}
}
