/** RFC 6455 5.2 and 11.8. Opcodes with the high bit set are control frames. */
export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

export type Opcode = typeof CONTINUATION | typeof TEXT | typeof BINARY | typeof CLOSE | typeof PING | typeof PONG;

/** RFC 6455 5.5: all control frames have a payload of 125 bytes or less. */
export const MAX_CONTROL_PAYLOAD = 125;
