/** A client is sent to: a message is encoded once, leaves in one write a turn, and waits within bounds while the client is slow. */
import type { BINARY, TEXT } from "../../protocol/opcodes.js";
import type { ClientSocket } from "../sockets/client-socket.js";
import { Backlog, SLICE_BYTES } from "./backlog.js";
import type { Batch } from "./batch.js";
import { Flushes } from "./flush.js";
import { Account, type MemoryBudget } from "./memory-budget.js";
import { Message, type Payload } from "./message.js";
import type { Overflow } from "./overflow.js";
import { ownMemory } from "./own-memory.js";
import { LONG_BYTES, type Scratch, type ScratchHolder } from "./scratch.js";
import type { Turns } from "./turns.js";

/** Written by the end of this turn; waiting behind a slow client; not sent, for its backlog is full; not sent, for it is closing. */
export type SendResult = "sent" | "queued" | "dropped" | "closed";

/** What an outbox tells the client it belongs to. */
export interface OutboxOwner {
  /** Bytes wait with the socket; `stalledSince` is to be asked about them in time for the write deadline. */
  onWaiting(): void;
  /** The socket takes no more for now: frames begin to wait. */
  onBacklog(): void;
  /** What had waited is all with the socket. */
  onDrained(): void;
  /** The overflow policy says that this client is to be closed. */
  onOverflow(): void;
  /** Others need the memory, and what this client holds cannot be dropped: it is to be cut at once. */
  onHopeless(): void;
}

/** What all outboxes of a server share. */
export interface OutboxSettings {
  readonly turns: Turns;
  readonly scratch: Scratch;
  readonly budget: MemoryBudget;
  readonly maxBacklogBytes: number;
  readonly overflow: Overflow;
  readonly stats: { dropped: number; gaveWay: number };
}

/** A batch leaves early at this size: it would not fit into one write of the kernel's anyway. */
const BATCH_BYTES = 64 * 1024;
/** Writes that may wait in the socket: each costs some 600 bytes there besides its own, however short it is. */
const MAX_UNFINISHED = 16;

/**
 * What leaves for one client. Frames of one turn are joined into one write; when the socket takes no more, frames wait here, within
 * bounds, and the verdict says so. It never throws for what the peer does.
 */
export class Outbox implements ScratchHolder {
  readonly #socket: ClientSocket;
  readonly #owner: OutboxOwner;
  readonly #settings: OutboxSettings;
  #batch: Batch;
  /** Set while the socket takes no more. */
  #backlog: Backlog | null = null;
  /** It is on the list of those to flush at the end of the turn. */
  #flushComes = false;
  #ending = false;
  /** Writes that the socket has not finished, as far as is known. */
  #unfinished = 0;
  /** For the write deadline: set while bytes wait. */
  #stall: Stall | null = null;
  #dropped: Dropped | null = null;
  /** Null: nobody has waited for what was sent to leave. */
  #flushes: Flushes | null = null;

  constructor(socket: ClientSocket, owner: OutboxOwner, settings: OutboxSettings) {
    this.#socket = socket;
    this.#owner = owner;
    this.#settings = settings;
    this.#batch = settings.turns.empty;
  }

  /** Bytes that were sent and are not with the kernel yet. */
  get bufferedBytes(): number {
    return this.#settings.scratch.lengthFor(this) + this.#batch.byteLength + this.waitingBytes;
  }

  /** Those that the socket has been handed, or that wait behind them: not what was gathered in this turn. */
  get waitingBytes(): number {
    return this.#socket.writableLength + (this.#backlog?.bytes ?? 0);
  }

  get isBacklogged(): boolean {
    return this.#backlog !== null;
  }

  /** What was not sent because the client was too slow. */
  get dropped(): Readonly<Dropped> {
    return this.#dropped ?? NONE_DROPPED;
  }

  /** A data frame. `key`: what it is an update of, for the policy `latest-per-key`. */
  send(frame: Buffer, key: string | null): SendResult {
    if (this.#backlog !== null) return this.#queue(this.#backlog, frame, key);
    this.#add(frame);
    if (this.#backlog !== null) return "queued";
    if (!this.#ending) return "sent";
    // There was no room for what the socket did not take, and it has been cut.
    this.#countDropped(1, frame.length);
    return "dropped";
  }

  /**
   * Sends what is short while its client is being read: the way of most replies.
   * @param opcode of bytes: a string is always text @default BINARY
   * @returns its length in bytes; -1 when it has to go the long way, by `send`
   */
  sendHeld(payload: Payload, opcode?: typeof TEXT | typeof BINARY): number {
    const { scratch, turns } = this.#settings;
    // What is in a batch came first.
    if (!scratch.isHeldBy(this) || this.#batch !== turns.empty || this.#backlog !== null) return -1;
    if ((typeof payload === "string" ? payload.length : payload.byteLength) >= LONG_BYTES) return -1;
    const length = addTo(scratch, payload, opcode);
    if (length >= 0) return length;
    // What is there has to leave first.
    this.flush();
    return this.#backlog === null ? addTo(scratch, payload, opcode) : -1;
  }

  /**
   * A data frame, for as long as there is room. Nobody has to make way for it, and once taken it is not dropped.
   * @returns false: there is no room, and nothing has changed. The owner is told when what waits has drained
   */
  offer(frame: Buffer): boolean {
    const backlog = this.#backlog;
    if (this.#ending) return true;
    if (backlog === null) {
      this.#add(frame);
      return true;
    }
    if (!backlog.isEmpty && !backlog.hasRoomBehind(frame, this.#socket.writableLength)) return false;
    if (!this.#settings.budget.makeRoom(backlog.account, backlog.costOf(frame, null))) return false;
    backlog.pushRequired(frame);
    return true;
  }

  /** A control frame, which is never dropped. */
  sendControl(frame: Buffer): void {
    if (this.#ending) return;
    if (this.#backlog === null) this.#add(frame);
    else this.#backlog.pushRequired(frame);
  }

  /** Its client is about to be read: what it is sent meanwhile is written into the scratch buffer, if that is not in use. */
  holdScratch(): void {
    this.#settings.scratch.hold(this);
  }

  /** Its client has been read, and no handler of it is running. */
  leaveScratch(): void {
    this.flush();
    this.#settings.scratch.release(this);
  }

  /** Its client has been read: what the handlers that are running send until the end of the turn, or until another client is read, leaves together. */
  yieldScratch(): void {
    if (this.#settings.scratch.yield(this)) this.#flushLater();
    else this.flush();
  }

  /** The turn ends. */
  endTurn(): void {
    this.flush();
    this.#settings.scratch.endTurn(this);
  }

  /** Hands to the socket what was gathered in this turn. */
  flush(): void {
    this.#flushComes = false;
    const { scratch, turns } = this.#settings;
    if (scratch.lengthFor(this) > 0) this.#write(scratch.removeAll());
    const batch = this.#batch;
    if (batch === turns.empty) return;
    this.#batch = turns.empty;
    this.#write(batch.join());
  }

  /**
   * Hands over what was gathered, and waits for it and all before it.
   * @returns resolves with true when that is with the kernel, with false when the client is gone or closed for being too slow
   */
  whenFlushed(): Promise<boolean> {
    this.flush();
    if (this.#socket.destroyed) return Promise.resolve(false);
    if (this.#backlog === null && this.#socket.writableLength === 0) return Promise.resolve(true);
    return this.#awaited().wait();
  }

  /** The socket emitted `drain`: it takes more. */
  onSocketDrain(): void {
    this.#flushes?.onLeft();
    const backlog = this.#backlog;
    if (backlog === null) return;
    backlog.forgetHanded();
    while (!backlog.isEmpty) {
      if (!this.#hand(backlog.shift())) return;
      if (this.#socket.writableLength > 0) continue;
      backlog.forgetHanded();
      this.#flushes?.onLeft();
    }
    backlog.release();
    this.#backlog = null;
    if (this.#ending) this.#endSocket();
    else if (this.#flushes?.isAwaited === true) this.#flushes.tellWhenTaken();
    this.#owner.onDrained();
  }

  /** Ends the socket once all that was sent is with the kernel. */
  end(): void {
    if (this.#ending) return;
    this.flush();
    this.#ending = true;
    if (this.#backlog === null) this.#endSocket();
  }

  /** Drops the messages that wait and have not begun: they will not leave. */
  dropWaiting(): void {
    const backlog = this.#backlog;
    if (backlog !== null) this.#countingDropped(backlog, () => backlog.dropAll());
    this.#flushes?.giveUp();
  }

  /** The socket is gone. What still waited is counted as dropped. */
  discard(): void {
    this.dropWaiting();
    this.#backlog?.release();
    this.#backlog = null;
    const { scratch, turns } = this.#settings;
    this.#batch = turns.empty;
    scratch.discard(this);
  }

  /** Since when bytes wait of which the client has taken none, as far as can be told from asking now and then; 0: none wait. */
  stalledSince(now: number): number {
    const waiting = this.#socket.writableLength;
    if (waiting === 0 && this.#backlog === null) {
      this.#stall = null;
      return 0;
    }
    const stall = (this.#stall ??= { since: now, handed: waiting, taken: 0 });
    const taken = stall.handed - waiting;
    if (taken !== stall.taken) {
      stall.since = now;
      stall.taken = taken;
    }
    return stall.since;
  }

  #add(frame: Buffer): void {
    const { scratch, turns } = this.#settings;
    const isHeld = scratch.isHeldBy(this);
    // A long frame is written as it is: joining would copy it.
    if (frame.length >= (isHeld ? LONG_BYTES : BATCH_BYTES)) {
      this.flush();
      this.#write(frame);
      return;
    }
    if (isHeld && this.#batch === turns.empty && scratch.hasRoomFor(frame.length)) {
      scratch.add(frame);
      return;
    }
    this.#batch = this.#batch.with(frame);
    if (this.#batch.byteLength >= BATCH_BYTES) this.flush();
    else if (!isHeld) this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushComes) return;
    this.#flushComes = true;
    this.#settings.turns.flushLater(this);
  }

  #write(bytes: Buffer): void {
    if (this.#backlog !== null) {
      this.#backlog.pushRequired(bytes);
      return;
    }
    let at = 0;
    while (at < bytes.length) {
      const next = at === 0 && bytes.length < 2 * SLICE_BYTES ? bytes.length : Math.min(at + SLICE_BYTES, bytes.length);
      const took = this.#hand(next - at === bytes.length ? bytes : bytes.subarray(at, next));
      at = next;
      if (took) continue;
      this.#beginBacklog(bytes, at);
      return;
    }
  }

  /** The socket takes no more: `bytes[at]` and what follows has to wait. */
  #beginBacklog(bytes: Buffer, at: number): void {
    const { budget, maxBacklogBytes, overflow } = this.#settings;
    const account = new Account(budget, (needed) => this.#giveWay(needed));
    const backlog = (this.#backlog = new Backlog(maxBacklogBytes, account, overflow.isKeyed));
    backlog.keepHanded(bytes);
    if (at < bytes.length) backlog.pushRequired(bytes.subarray(at));
    this.#owner.onBacklog();
    budget.settle(account);
  }

  /** @returns whether the socket takes more. `write` answers false for a long buffer even when the kernel took it at once. */
  #hand(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (this.#stall !== null) this.#stall.handed += bytes.length;
    if (this.#unfinished > 0 && socket.writableLength === 0) this.#unfinished = 0;
    const isLast = this.#unfinished === MAX_UNFINISHED - 1;
    // What waits must not keep other messages' memory.
    const own = this.#unfinished === 0 ? bytes : ownMemory(bytes);
    const takesMore = isLast ? socket.write(own, () => this.#onTaken()) : socket.write(own);
    if (socket.writableLength === 0) return true;
    this.#unfinished++;
    if (this.#stall === null) this.#owner.onWaiting();
    return takesMore && !isLast;
  }

  #awaited(): Flushes {
    return (this.#flushes ??= new Flushes(this.#socket, () => this.#backlog));
  }

  #endSocket(): void {
    // Afterwards nothing could be written to be told by.
    if (this.#socket.writableLength > 0) this.#awaited().tellWhenTaken();
    this.#socket.end();
  }

  /** The last of the writes that may wait is finished. A stream emits no `drain` for their number. */
  #onTaken(): void {
    if (this.#socket.writableLength === 0) this.onSocketDrain();
  }

  #queue(backlog: Backlog, frame: Buffer, key: string | null): SendResult {
    const { budget, overflow } = this.#settings;
    const sending = this.#socket.writableLength;
    const fits = (): boolean =>
      backlog.hasRoomFor(frame, key, sending) && budget.makeRoom(backlog.account, backlog.costOf(frame, key));
    if (!fits()) {
      const verdict = this.#countingDropped(backlog, () => overflow.makeRoom(backlog, fits, key));
      if (verdict !== "queue") {
        this.#countDropped(1, frame.length);
        if (verdict === "close") this.#owner.onOverflow();
        return "dropped";
      }
    }
    backlog.pushMessage(frame, key);
    return "queued";
  }

  /** This client holds most of what waits for all, and others need room for `bytes`. */
  #giveWay(bytes: number): void {
    const backlog = this.#backlog!;
    const { account } = backlog;
    const { overflow, stats } = this.#settings;
    const { share, level } = account;
    stats.gaveWay++;
    const isEnough = (): boolean => account.budget.fits(bytes) || account.level < level;
    const verdict = this.#countingDropped(backlog, () => overflow.giveWay(backlog, isEnough));
    if (verdict === "close") this.#owner.onOverflow();
    if (account.share < share) return;
    this.#ending = true;
    this.#owner.onHopeless();
  }

  #countingDropped<Result>(backlog: Backlog, drop: () => Result): Result {
    const { messages, bytes } = backlog;
    const result = drop();
    this.#countDropped(messages - backlog.messages, bytes - backlog.bytes);
    return result;
  }

  #countDropped(messages: number, bytes: number): void {
    if (messages === 0) return;
    const dropped = (this.#dropped ??= { messages: 0, bytes: 0 });
    dropped.messages += messages;
    dropped.bytes += bytes;
    this.#settings.stats.dropped += messages;
  }
}

function addTo(scratch: Scratch, payload: Payload, opcode: typeof TEXT | typeof BINARY | undefined): number {
  return payload instanceof Message ? payload.addTo(scratch) : scratch.addNew(payload, opcode);
}

/** Bytes wait that the client does not take. */
interface Stall {
  /** When it was last seen to take some. */
  since: number;
  /** What was handed to the socket since bytes wait, those that waited then included; and how much of it the client has taken. */
  handed: number;
  taken: number;
}

interface Dropped {
  messages: number;
  bytes: number;
}

const NONE_DROPPED: Readonly<Dropped> = { messages: 0, bytes: 0 };
