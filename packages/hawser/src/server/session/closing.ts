import type { ConnectionState } from "../../protocol/states.js";

/**
 * How a client comes to its end, as one table: what it is, what happens, what it is then, and what is done. `End` does what is written
 * here and decides nothing. What is not in the table cannot happen in that state, or changes nothing.
 *
 * ```
 *   open ───── leave ────▶ leaving
 *    │                        │ idle
 *    ├──── close, fail ───────┤
 *    │                        ▼
 *    │                     closing
 *    │                        │ fail
 *    ├──── peerClose, violation, peerEnd
 *    │                        ▼
 *    │                     ending
 *    │                        │ deadline
 *    ├───────── cut ──────────┤
 *    │                        ▼
 *    │                       cut
 *    │                        │
 *    └───── socketClosed ─────┤
 *                             ▼
 *                            gone ── idle ──▶ over
 * ```
 *
 * Two ends are not in it, for they wait their turn as bytes do: the peer's FIN behind what has come and is not parsed yet (`Intake`), after
 * which `peerEnd` happens; and our own behind what has not left (`Outbox`).
 */
export type ClientState =
  /** Messages flow both ways. */
  | "open"
  /** The same; it is closed once its handlers have finished. */
  | "leaving"
  /** Our close frame is out, and the peer's is waited for. */
  | "closing"
  /** Our side of the socket ends once all has left, and then the peer's is waited for. */
  | "ending"
  /** The socket is destroyed, and has not said yet that it is closed. */
  | "cut"
  /** The socket is closed, and nothing is kept. `close` is called once the handlers that are running have finished. */
  | "gone"
  | "over";

export type ClientEvent =
  /** It is closed in good order: by the application, at a shutdown. */
  | "close"
  /** The same, but its handlers may finish first. */
  | "leave"
  /** It is closed for something that it, or its handler, did wrong: it is told, and not listened to any more. */
  | "fail"
  /** It is cut at once: terminated, silent, stalled. */
  | "cut"
  /** Its close frame has come. */
  | "peerClose"
  /** It has broken the protocol. */
  | "violation"
  /** It has ended its side, and all that it sent before has been parsed. */
  | "peerEnd"
  /** The close timeout is over. */
  | "deadline"
  /** No handler is running: so it was when something else happened, or the last one has finished. */
  | "idle"
  | "socketClosed";

export type Action =
  | "sendClose"
  /** What the protocol answers a close frame or a violation with, if anything. */
  | "sendAnswer"
  /** Both sides have sent a close frame. */
  | "noteClean"
  /** Whatever comes from now on is ignored. */
  | "abandon"
  /** From now on until the `deadline`. */
  | "startTimeout"
  /** Reads on, whatever stood against it: what comes is the peer's close frame or the end of its side. */
  | "readOn"
  /** The event `fail` happens next, in the state that the client is in by then. */
  | "fail"
  /** Our side of the socket ends once all that was sent has left. */
  | "endOutput"
  /** The socket is closed at once, whatever waits in it. */
  | "destroy"
  /** Gives back all that the client holds, and has the server count it out. */
  | "release"
  /** Calls the `close` handler. */
  | "callClose";

interface Step {
  readonly to: ClientState;
  /** In this order. Something else may happen while they are done, and lead further; to do one of them twice changes nothing. */
  readonly actions: readonly Action[];
}

export interface StateRule {
  /** What the protocol's own table (protocol/states.ts) is at: frames pass by that one, and each state here goes with one state there. */
  readonly connection: ConnectionState;
  readonly on: Readonly<Partial<Record<ClientEvent, Step>>>;
}

const close: Step = { to: "closing", actions: ["sendClose", "startTimeout", "readOn"] };

const whileOpen = {
  close,
  // It is closed first, and read on: its own close frame may wait behind what failed, and then it ends cleanly.
  fail: { to: "closing", actions: [...close.actions, "fail"] },
  cut: { to: "cut", actions: ["abandon", "destroy"] },
  // RFC 6455 7.1.1: it is the server that ends the TCP connection first.
  peerClose: { to: "ending", actions: ["noteClean", "sendAnswer", "startTimeout", "endOutput", "readOn"] },
  violation: { to: "ending", actions: ["sendAnswer", "startTimeout", "endOutput", "readOn"] },
  peerEnd: { to: "ending", actions: ["abandon", "startTimeout", "endOutput", "readOn"] },
  socketClosed: { to: "gone", actions: ["abandon", "release"] },
} satisfies StateRule["on"];

export const clientStates: Readonly<Record<ClientState, StateRule>> = {
  open: { connection: "open", on: { ...whileOpen, leave: { to: "leaving", actions: [] } } },
  leaving: { connection: "open", on: { ...whileOpen, idle: close } },
  closing: {
    connection: "closing",
    on: {
      fail: { to: "ending", actions: ["abandon", "endOutput", "readOn"] },
      cut: whileOpen.cut,
      peerClose: { to: "ending", actions: ["noteClean", "endOutput", "readOn"] },
      violation: { to: "ending", actions: ["endOutput", "readOn"] },
      peerEnd: { to: "ending", actions: ["abandon", "endOutput", "readOn"] },
      deadline: whileOpen.cut,
      socketClosed: whileOpen.socketClosed,
    },
  },
  ending: {
    connection: "closed",
    on: {
      cut: { to: "cut", actions: ["destroy"] },
      deadline: { to: "cut", actions: ["destroy"] },
      socketClosed: { to: "gone", actions: ["release"] },
    },
  },
  cut: { connection: "closed", on: { socketClosed: { to: "gone", actions: ["release"] } } },
  gone: { connection: "closed", on: { idle: { to: "over", actions: ["callClose"] } } },
  over: { connection: "closed", on: {} },
};
