// The stock player, <moq-watch> of @moq/watch, on the page of player/, in a headless Chromium.
import { Browser, Page } from "./browser.mjs";
import { renditions } from "./renditions.mjs";

// In the page: what the element says of itself, and what its canvas shows.
const look = () => {
	const watch = document.querySelector("moq-watch");
	const { width, height } = watch.querySelector("canvas");
	// A small copy is enough, and reading it does not make the canvas slow.
	const small = (globalThis.small ??= new OffscreenCanvas(64, 36).getContext("2d", { willReadFrequently: true }));
	small.drawImage(watch.querySelector("canvas"), 0, 0, 64, 36);
	const pixels = small.getImageData(0, 0, 64, 36).data;
	const colour = [0, 0, 0];
	let picture = 0;
	for (let i = 0; i < pixels.length; i += 4) {
		for (let c = 0; c < 3; c++) {
			colour[c] += pixels[i + c] / (64 * 36);
			picture = (31 * picture + pixels[i + c]) | 0;
		}
	}
	return {
		probe: watch.connection.established.peek()?.probe.peek() ?? {},
		chosen: watch.video.source.out.track.peek(),
		decoded: watch.video.out.stats.peek()?.frameCount ?? 0,
		width,
		height,
		colour,
		// Another number for another picture.
		picture,
	};
};

// The rendition on the canvas, by its size and by the colour of the clips: hd is green and sd is blue. A black canvas shows none.
function shownOf({ width, height, colour: [, green, blue] }) {
	const colour = green > 60 && green > 2 * blue ? "hd" : blue > 60 && blue > 2 * green ? "sd" : undefined;
	const is = colour && renditions[colour];
	return is && is.width === width && is.height === height ? colour : undefined;
}

export class Player {
	#browser;
	#page;

	// `url` serves the page; its broadcast is adapts.hang at the same place.
	static async open(program, url, onEvent) {
		const player = new Player();
		const size = { width: 800, height: 600 };
		player.#browser = new Browser(program, size);
		process.on("exit", () => player.#browser.kill());
		player.#page = await Page.open(player.#browser, { ...size, url, onEvent });
		return player;
	}

	async look() {
		const seen = await this.#page.run(look);
		return { ...seen, shown: shownOf(seen) };
	}
	async screenshot(file) {
		await this.#page.screenshot(file);
	}
	async close() {
		await this.#browser.close();
	}
}
