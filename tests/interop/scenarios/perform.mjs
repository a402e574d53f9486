// One scenario from its beginning to its end, and the report of it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { within } from "../lib/time.mjs";
import { Scene } from "./scene.mjs";

// Of a whole scenario. Most take less than a second, but the machine may have other things to do.
const LIMIT = 60_000;

async function play(scene, work) {
	await work(scene);
	// A relay ends when it is told to, and its exit code says how.
	for (const relay of scene.processes.filter((one) => one.kind === "relay")) {
		relay.stop();
		await relay.exit;
		scene.same(relay.code, 0, `exit code of ${relay.name}`);
	}
}

// Whether it went well. With `logs` the whole output of its processes is written into that folder.
export async function perform({ title, qmux, way, work }, programs, logs) {
	const scene = new Scene({ qmux, way, programs });
	const began = Date.now();
	try {
		await within(LIMIT, play(scene, work));
	} catch (err) {
		scene.faults.push(err.message);
	}
	for (const process of scene.processes) if (process.code === undefined) process.kill();
	await Promise.all(scene.processes.map((process) => process.exit));
	scene.inspect();
	const well = scene.faults.length === 0;
	console.log(`${well ? "ok    " : "FAILED"} ${title} (${Date.now() - began} ms)`);
	for (const fault of scene.faults) console.log(`       ${fault}`);
	if (!well) for (const process of scene.processes) console.log(process.text());
	if (logs) {
		mkdirSync(logs, { recursive: true });
		writeFileSync(join(logs, `${title.replace(/[^\w-]+/g, "_")}.log`), scene.processes.map((process) => process.whole()).join("\n"));
	}
	return well;
}
