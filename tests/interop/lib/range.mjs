export const upTo = (n) => [...Array(n).keys()];
