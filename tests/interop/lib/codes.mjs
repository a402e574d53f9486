// The numbers of moq-lite for errors.

// Of streams. A refusal for want of permission, or of room, has no other number than CLOSED.
export const INTERNAL = 0x00;
export const CANCEL = 0x01;
export const CLOSED = 0x03;
export const MALFORMED = 0x12;
export const NOT_FOUND = 0x33;
export const FRAME_TOO_LARGE = 0x38;

// Of sessions, as the hostile peer notes them.
export const VIOLATION = "app 3";
export const TIMEOUT = "app 17";

// The first one of an application, in both.
export const APP = 64;
