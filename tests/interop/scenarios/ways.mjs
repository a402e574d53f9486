// The ways of two peers: which of them publishes, and which listens.
const WAYS = [
	{ pub: "js", sub: "c++", server: "sub" },
	{ pub: "js", sub: "c++", server: "pub" },
	{ pub: "c++", sub: "js", server: "sub" },
	{ pub: "c++", sub: "js", server: "pub" },
];
export const fromCpp = WAYS.filter((way) => way.pub === "c++");
export const fromJs = WAYS.filter((way) => way.pub === "js");
export const cppListens = WAYS.filter((way) => (way.server === "pub" ? way.pub : way.sub) === "c++");

export const scenario = (name, work, ways = WAYS) => ({ name, work, ways });
