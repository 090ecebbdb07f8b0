import type { Connection } from "../../protocol/connection.js";
import type { MemoryBudget } from "../sending/memory-budget.js";
import { ownMemory } from "../sending/own-memory.js";
import type { Turns } from "../sending/turns.js";
import type { ClientSocket } from "../sockets/client-socket.js";
import { Incoming } from "./incoming.js";

/** Why a client is not being read for now; several reasons may hold at once. */
export const StopReason = {
  /** A handler's promise is pending: the next message has to wait, in the socket and not in our memory. */
  handler: 1,
  /** The client does not take what it is sent; the replies to it would only grow the backlog. */
  backlog: 2,
  /** Its share of this turn is used up. */
  turn: 4,
  /** The application wants no more for now: of `hawser/ws` alone. */
  application: 8,
} as const;

/**
 * The reading half of a session: feeds what the socket delivers to the connection, and leaves off for as long as there is a reason to.
 * Not an object of its own, which would be a tenth of what a client takes.
 */
export abstract class Intake {
  protected abstract readonly socket: ClientSocket;
  protected abstract readonly connection: Connection;
  protected abstract readonly turns: Turns;
  /** What has come from all clients and is not with their handlers is bounded by this. */
  protected abstract readonly incoming: MemoryBudget;
  #stopped = 0;
  #socketPaused = false;
  /** What has been read and not parsed yet: from `#restAt` on. */
  #rest: Buffer | null = null;
  #restAt = 0;
  #peerEnded = false;
  /** In which turn it was read last, and what it has had of that one: work as the parser counts it, and milliseconds. */
  #turn = 0;
  #work = 0;
  #ms = 0;
  /** Null as long as no message of this client has come in part. */
  #incoming: Incoming | null = null;
  #countComes = false;

  protected abstract beforeParse(): void;
  protected abstract afterParse(): void;
  /** This client is the one that holds most of what has come in part from all, and it is too much. */
  protected abstract onIncomingOverflow(): void;
  /** All that the peer sent before it ended its side has been parsed. */
  protected abstract onPeerEnded(): void;

  protected get isStopped(): boolean {
    return this.#stopped !== 0;
  }

  /** Whether the client could be heard, if it said something. */
  protected get isListening(): boolean {
    return !this.#socketPaused;
  }

  /** The socket delivered `bytes[0, length)`, `now` by the clock; it may overwrite them afterwards. */
  protected receive(bytes: Buffer, length: number, now: number): void {
    if (this.#stopped === 0 && this.#rest === null) {
      this.turns.shares.beginWork(now);
      this.#enterTurn();
      this.beforeParse();
      const at = this.#parse(bytes, 0, length);
      if (at < length) this.#keep(Buffer.from(bytes.subarray(at, length)), 0);
      this.afterParse();
      this.#noteIncoming();
      // libuv reads a socket again in the same turn only if it has filled the buffer. A stream's chunk always fills its own, and more may follow.
      if (this.#stopped === 0 && length === bytes.length) this.#countShare();
      return;
    }
    const more = bytes.subarray(0, length);
    this.#keep(ownMemory(Buffer.concat(this.#rest === null ? [more] : [this.#rest.subarray(this.#restAt), more])), 0);
    this.countIncoming();
    // Only now: most handlers have finished before another chunk comes, and pausing a socket costs.
    this.#socketPaused = true;
    this.socket.pause();
  }

  /** The peer has ended its side. */
  protected endIntake(): void {
    this.#peerEnded = true;
    if (this.#rest === null && (this.#stopped & StopReason.handler) === 0) this.onPeerEnded();
  }

  /** Leaves off after the frame that is being parsed. */
  protected stop(why: number): void {
    this.#stopped |= why;
    this.connection.pause();
  }

  /** The same, for longer: what has not been read yet stays with the kernel from now on. */
  protected stopReading(why: number): void {
    this.stop(why);
    if (this.#socketPaused) return;
    this.#socketPaused = true;
    this.socket.pause();
  }

  /** A new turn has begun, after the one in which its share was used up. */
  resumeTurn(): void {
    this.go(StopReason.turn);
  }

  /** It is closing: neither its handlers nor what waits for it stand against hearing it any more. Its share of the turn does. */
  readOn(): void {
    this.go(StopReason.handler | StopReason.backlog | StopReason.application);
  }

  /** Goes on if nothing else stands against it. */
  protected go(why: number): void {
    if ((this.#stopped & why) === 0) return;
    this.#stopped &= ~why;
    if (this.#stopped !== 0) return;
    // In the same turn, what the handler did since it was called first is its client's as well. It is counted now: handlers of several clients
    // that wait for nothing run in between each other, and each of them looks at the clock after its own messages alone.
    if (this.#enterTurn()) this.turns.shares.beginWork();
    else if (this.turns.shares.isLookDue()) this.#countShare();
    if (this.isStopped) return;
    const rest = this.#rest;
    if (rest !== null) {
      this.#rest = null;
      this.beforeParse();
      const at = this.#parse(rest, this.#restAt, rest.length);
      if (at < rest.length) this.#keep(rest, at);
      this.afterParse();
      this.#noteIncoming();
    }
    if (rest !== null && this.#stopped === 0) this.#countShare();
    if (this.isStopped) return;
    if (this.#socketPaused) {
      this.#socketPaused = false;
      this.socket.resume();
    }
    if (this.#peerEnded) this.onPeerEnded();
  }

  /** Brings the books up to what is kept. */
  countIncoming(): void {
    this.#countComes = false;
    const { partial } = this.connection;
    // For a moment it may lie in Node's pool. What waits longer must not keep that, of which only its own bytes are on the books.
    const rest = this.#rest === null ? null : ownMemory(this.#rest);
    this.#rest = rest;
    if (partial === null && rest === null && this.#incoming === null) return;
    this.#incoming ??= new Incoming(this.incoming, () => {
      this.onIncomingOverflow();
      this.dropIncoming();
    });
    this.#incoming.set(partial, rest === null ? 0 : rest.length);
  }

  /** Most often there is nothing to count, or what waits for a handler waits no longer at the end of the turn. */
  #noteIncoming(): void {
    if (this.#countComes) return;
    if (this.#rest !== null) {
      this.#countComes = true;
      this.turns.countLater(this);
    } else if (this.#incoming !== null || this.connection.inMessage) this.countIncoming();
  }

  /** What has been read is not wanted any more. */
  protected dropIncoming(): void {
    this.#rest = null;
    this.countIncoming();
  }

  #keep(rest: Buffer, at: number): void {
    this.#rest = rest;
    this.#restAt = at;
  }

  /** @returns where it left off */
  #parse(bytes: Buffer, start: number, end: number): number {
    const { connection } = this;
    const { shares } = this.turns;
    let at = start;
    // A handler may stop the intake and start it again while it is called.
    do {
      const work = shares.nextLook(this.#work) - this.#work;
      at = connection.receive(bytes, at, end, work);
      this.#work += work - connection.workLeft;
      if (connection.workLeft <= 0 && at < end) this.#countShare();
    } while (at < end && this.#stopped === 0);
    return at;
  }

  /** @returns whether this turn is a new one to it, with a new share: whatever else makes a client be read, a share is not renewed by it */
  #enterTurn(): boolean {
    const { number } = this.turns;
    if (this.#turn === number) return false;
    this.#turn = number;
    this.#work = this.#ms = 0;
    return true;
  }

  /** Looks at the clock; once its share is used up the client has to wait for the next turn. */
  #countShare(): void {
    const { turns } = this;
    this.#ms += turns.shares.countWork();
    if (!turns.shares.isUsed(this.#work, this.#ms) || (this.#stopped & StopReason.turn) !== 0) return;
    this.stop(StopReason.turn);
    turns.resumeLater(this);
  }
}
