/**
 * The life of a connection after the handshake (RFC 6455 section 7), as one table: state, what happens, next state. What is not
 * in the table cannot happen in that state and changes nothing.
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
