// The numbers that a subscriber sees.
import { CANCEL, INTERNAL } from "../lib/codes.mjs";

export { APP, CANCEL, CLOSED, NOT_FOUND } from "../lib/codes.mjs";

// The package resets with 0, whatever the reason. For comoq that cancels a request, or a group.
export const codeFrom = (pub, sub, code) => (pub !== "js" ? code : sub === "js" ? INTERNAL : CANCEL);
// The same for the end of a track, which was dropped then.
export const endFrom = (pub, code) => (pub === "js" ? INTERNAL : code);
