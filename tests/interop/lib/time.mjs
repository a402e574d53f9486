// Waiting.
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Lets everything happen that is due now.
export const breathe = () => new Promise((resolve) => setImmediate(resolve));

// The value of the promise, or an error when it takes too long.
export async function within(ms, promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms);
	});
	return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
