import type { Connection } from "../../protocol/connection.js";
import { type Cause, causes, type Disconnect } from "../api/causes.js";
import type { Outbox } from "../sending/outbox.js";
import type { ClientSocket } from "../sockets/client-socket.js";
import { type Action, type ClientEvent, type ClientState, clientStates, type StateRule } from "./closing.js";

/** Why a client is closed: with the code and the reason of the close frame, 1006 where there is none. */
export interface Why {
  readonly cause: Cause;
  readonly code: number;
  readonly reason: string;
}

/** The connection has ended without a close frame (RFC 6455 7.1.5). */
export const LOST: Why = { cause: "lost", code: 1006, reason: "" };

/** What an end needs of its client. */
export interface EndOwner {
  /** Handlers whose promises are pending. */
  readonly runningHandlers: number;
  /** Has `check` called when the close timeout is over. @returns when that is */
  startCloseTimeout(): number;
  readOn(): void;
  /** The socket is closed: nothing of the client is to stay. */
  release(disconnect: Disconnect): void;
  callClose(disconnect: Disconnect): void;
}

/** The end of one client, by the table in closing.ts. Made when it begins, so that a client that is open takes nothing for it. */
export class End {
  readonly #owner: EndOwner;
  readonly #connection: Pick<Connection, "close" | "abandon">;
  readonly #outbox: Pick<Outbox, "sendControl" | "end">;
  readonly #socket: Pick<ClientSocket, "destroy">;
  #state: ClientState = "open";
  #rule: StateRule = clientStates.open;
  /** When the socket is cut, whatever the peer does. */
  #cutAt = Infinity;
  #why: Why = LOST;
  #wasClean = false;
  #disconnect: Disconnect | null = null;

  constructor(
    owner: EndOwner,
    connection: Pick<Connection, "close" | "abandon">,
    outbox: Pick<Outbox, "sendControl" | "end">,
    socket: Pick<ClientSocket, "destroy">,
  ) {
    this.#owner = owner;
    this.#connection = connection;
    this.#outbox = outbox;
    this.#socket = socket;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Whether messages may still be sent. */
  get isOpen(): boolean {
    return this.#rule.connection === "open";
  }

  /** Whether the socket is closed. */
  get isGone(): boolean {
    return this.#state === "gone" || this.#state === "over";
  }

  /**
   * Something happens.
   * @param why the cause of the client's end, if this is what ends it
   * @param answer the frame for `sendAnswer`
   */
  on(event: ClientEvent, why: Why | null = null, answer: Buffer | null = null): void {
    const step = this.#rule.on[event];
    if (step === undefined) return;
    // The first cause counts. That of `leave` is replaced as long as the client is open: it is only a wish.
    if (why !== null && this.isOpen) this.#why = why;
    this.#state = step.to;
    this.#rule = clientStates[step.to];
    for (const action of step.actions) this.#do(action, answer);
    if (this.#owner.runningHandlers === 0) this.on("idle");
  }

  /** Acts on what is due at `now`. @returns when the next is; Infinity: nothing is waited for */
  check(now: number): number {
    if (now >= this.#cutAt) this.on("deadline");
    return this.#rule.on.deadline === undefined ? Infinity : this.#cutAt;
  }

  #do(action: Action, answer: Buffer | null): void {
    switch (action) {
      case "sendClose":
        this.#send(this.#connection.close(this.#why.code, this.#why.reason));
        break;
      case "sendAnswer":
        this.#send(answer);
        break;
      case "noteClean":
        this.#wasClean = true;
        break;
      case "abandon":
        this.#connection.abandon();
        break;
      case "startTimeout":
        this.#cutAt = this.#owner.startCloseTimeout();
        break;
      case "readOn":
        this.#owner.readOn();
        break;
      case "fail":
        this.on("fail");
        break;
      case "endOutput":
        this.#outbox.end();
        break;
      case "destroy":
        this.#socket.destroy();
        break;
      case "release":
        this.#owner.release(this.#outcome());
        break;
      case "callClose":
        this.#owner.callClose(this.#outcome());
        break;
    }
  }

  #send(frame: Buffer | null): void {
    if (frame !== null) this.#outbox.sendControl(frame);
  }

  #outcome(): Disconnect {
    const { cause, code, reason } = this.#why;
    return (this.#disconnect ??= {
      code,
      reason,
      cause,
      initiator: causes[cause].initiator,
      wasClean: this.#wasClean,
    });
  }
}
