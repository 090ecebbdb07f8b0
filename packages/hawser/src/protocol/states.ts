/**
 * Which frames may still pass on a connection after the handshake (RFC 6455 section 7), as one table: state, what happens, next state.
 * What is not in the table cannot happen in that state and changes nothing. What becomes of the client, its socket and its handlers is the
 * server's table, server/session/closing.ts, each of whose states goes with one of these.
 *
 * ```
 *          closeSent             closeReceived
 *   open ─────────────▶ closing ───────────────▶ closed
 *    │                     │                       ▲
 *    └─ closeReceived, ────┴──── failed ───────────┘
 *       failed
 * ```
 */
export type ConnectionState =
  /** Messages flow both ways. */
  | "open"
  /** Our close frame is out, the peer's has not come. Only control frames matter. */
  | "closing"
  /** Nothing more is read or written; the socket is to be ended. */
  | "closed";

export type ConnectionEvent = "closeSent" | "closeReceived" | "failed";

export const transitions: Readonly<Record<ConnectionState, Partial<Record<ConnectionEvent, ConnectionState>>>> = {
  open: { closeSent: "closing", closeReceived: "closed", failed: "closed" },
  closing: { closeReceived: "closed", failed: "closed" },
  closed: {},
};
