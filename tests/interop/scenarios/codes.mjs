// The codes of refusals.
export const NOT_FOUND = 13;
export const APP = 64;

// The package resets with 0, whatever the reason.
export const codeFrom = (kind, code) => (kind === "js" ? 0 : code);

