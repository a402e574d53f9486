// How long a flood lasts, in milliseconds.
export const FLOOD = 3000;

