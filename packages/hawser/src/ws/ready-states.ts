/** What a WebSocket is at, by the numbers of the WHATWG standard. */
export const ReadyState = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState];

const names = Object.keys(ReadyState) as (keyof typeof ReadyState)[];

/** As `send` says it: `WebSocket is not open: readyState 2 (CLOSING)`. */
export function notOpen(state: ReadyState): Error {
  return new Error(`WebSocket is not open: readyState ${state} (${names[state]})`);
}
