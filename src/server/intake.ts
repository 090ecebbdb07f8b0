import type { Connection } from "../protocol/connection.js";
import type { ClientSocket } from "./client-socket.js";

/** Why a client is not being read for now; several reasons may hold at once. */
export const StopReason = {
  /** A handler's promise is pending: the next message has to wait, in the socket and not in our memory. */
  handler: 1,
  /** The client does not take what it is sent; the replies to it would only grow the backlog. */
  backlog: 2,
  /** Its share of this turn is used up. */
  turn: 4,
  any: 7,
} as const;

/** What an intake tells the client it belongs to. */
export interface IntakeOwner {
  beforeParse(): void;
  afterParse(): void;
  /** All that the peer sent before it ended its side has been parsed. */
  onPeerEnded(): void;
}

/** Feeds what the socket delivers to the connection, and leaves off for as long as there is a reason to. */
export class Intake {
  readonly #socket: ClientSocket;
  readonly #connection: Connection;
  readonly #owner: IntakeOwner;
  #stopped = 0;
  #socketPaused = false;
  /** What has been read and not parsed yet. */
  #rest: Buffer | null = null;
  #peerEnded = false;

  constructor(socket: ClientSocket, connection: Connection, owner: IntakeOwner) {
    this.#socket = socket;
    this.#connection = connection;
    this.#owner = owner;
  }

  get isStopped(): boolean {
    return this.#stopped !== 0;
  }

  /** Whether the client could be heard, if it said something. */
  get isListening(): boolean {
    return !this.#socketPaused;
  }

  /** The socket delivered `bytes[0, length)`; it may overwrite them afterwards. */
  take(bytes: Buffer, length: number): void {
    if (this.#stopped === 0 && this.#rest === null) {
      this.#owner.beforeParse();
      const at = this.#parse(bytes, length);
      if (at < length) this.#rest = Buffer.from(bytes.subarray(at, length));
      this.#owner.afterParse();
      return;
    }
    const more = bytes.subarray(0, length);
    this.#rest = Buffer.concat(this.#rest === null ? [more] : [this.#rest, more]);
    // Only now: most handlers have finished before another chunk comes, and pausing a socket costs.
    this.#socketPaused = true;
    this.#socket.pause();
  }

  /** The peer has ended its side. */
  end(): void {
    this.#peerEnded = true;
    if (this.#rest === null && (this.#stopped & StopReason.handler) === 0) this.#owner.onPeerEnded();
  }

  /** Leaves off after the frame that is being parsed. */
  stop(why: number): void {
    this.#stopped |= why;
    this.#connection.pause();
  }

  /** Goes on if nothing else stands against it. */
  go(why: number): void {
    if ((this.#stopped & why) === 0) return;
    this.#stopped &= ~why;
    if (this.#stopped !== 0) return;
    const rest = this.#rest;
    if (rest !== null) {
      this.#rest = null;
      this.#owner.beforeParse();
      const at = this.#parse(rest, rest.length);
      if (at < rest.length) this.#rest = rest.subarray(at);
      this.#owner.afterParse();
      if (this.isStopped) return;
    }
    if (this.#socketPaused) {
      this.#socketPaused = false;
      this.#socket.resume();
    }
    if (this.#peerEnded) this.#owner.onPeerEnded();
  }

  /** @returns where it left off */
  #parse(bytes: Buffer, length: number): number {
    let at = 0;
    // A handler may stop the intake and start it again while it is called.
    do at = this.#connection.receive(bytes, at, length);
    while (at < length && this.#stopped === 0);
    return at;
  }
}
