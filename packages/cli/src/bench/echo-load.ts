/** Each connection sends, and waits for its own message to come back. */
import { type WebSocketClient } from "../tools/web-socket-client.js";
import { Connections, type Player } from "./connections.js";
import { DueTimes } from "./due-times.js";
import type { Load } from "./load.js";
import { Payload } from "./payload.js";
import { type Member, membersOf, type Plan } from "./plan.js";
import { Schedule } from "./schedule.js";
import { findStamp, NO_STAMP, stampMicros, stampSender } from "./stamp.js";
import type { Counters } from "./tally.js";

/** A connection with so much on its way takes no more: what is due waits here, where it is counted and costs no memory. */
const MOST_BUFFERED = 256 * 1024;

export class EchoLoad implements Load {
  readonly #plan: Plan;
  readonly #thread: number;
  readonly #counters: Counters;
  readonly #connections: Connections;
  readonly #payload: Payload;
  #players: EchoPlayer[] = [];
  #schedule: Schedule | null = null;
  #turn = 0;

  constructor(plan: Plan, thread: number, counters: Counters) {
    this.#plan = plan;
    this.#thread = thread;
    this.#counters = counters;
    this.#connections = new Connections(plan, counters);
    this.#payload = new Payload(plan.size, plan.isBinary);
  }

  async open(): Promise<void> {
    await this.#connections.open(membersOf(this.#plan, this.#thread), (member) => {
      const player = new EchoPlayer(member, this.#payload, this.#counters);
      this.#players.push(player);
      return player;
    });
    if (this.#plan.subscribe !== null) await this.#connections.settle();
    this.#players = this.#players.filter((player) => player.isOpen);
  }

  stopOpening(): void {
    this.#connections.stopOpening();
  }

  begin(at: number): void {
    const { rate, inFlight, connections } = this.#plan;
    if (rate === null) {
      for (const player of this.#players) player.keepInFlight(inFlight);
      return;
    }
    // Each thread has the share of its connections, and they take turns.
    const share = (rate * this.#players.length) / connections;
    if (share === 0) return;
    this.#schedule = new Schedule(this.#counters, share, this.#plan.threads, (due) => this.#sendNext(due));
    this.#schedule.start(at + (this.#thread * 1000) / rate);
  }

  #sendNext(due: number): void {
    for (let tried = 0; tried < this.#players.length; tried++) {
      const player = this.#players[this.#turn++ % this.#players.length];
      if (player?.isOpen !== true) continue;
      player.sendDue(due);
      return;
    }
  }

  stopSending(end: number): void {
    this.#schedule?.stop(end);
    for (const player of this.#players) player.stop();
  }

  get backlog(): number {
    const waiting = this.#players.reduce((sum, player) => sum + player.waiting, 0);
    return waiting + (this.#schedule?.behind ?? 0);
  }

  get isOver(): boolean {
    return this.#connections.size === 0;
  }

  get isQuiet(): boolean {
    return this.#players.every((player) => player.waiting === 0);
  }

  close(): Promise<void> {
    for (const player of this.#players) player.giveUp();
    return this.#connections.close();
  }
}

class EchoPlayer implements Player {
  readonly #id: number;
  readonly #payload: Payload;
  readonly #counters: Counters;
  /** Sent, and not answered; in microseconds. */
  readonly #sent = new DueTimes();
  /** Due, and not sent since the connection takes no more. */
  readonly #unsent = new DueTimes();
  #client: WebSocketClient | null = null;
  #isClosedLoop = false;

  constructor(member: Member, payload: Payload, counters: Counters) {
    this.#id = member.id;
    this.#payload = payload;
    this.#counters = counters;
  }

  get isOpen(): boolean {
    return this.#client?.isOpen === true;
  }

  get waiting(): number {
    return this.#sent.length + this.#unsent.length;
  }

  join(client: WebSocketClient): void {
    if (client.isOpen) this.#client = client;
  }

  /** What has no answer now will have none. It is not slow but lost, so it is no latency. */
  leave(): void {
    this.#client = null;
    for (const micros of [...this.#sent.drain(), ...this.#unsent.drain()])
      if (this.#counters.inWindow(micros / 1000)) this.#counters.unanswered++;
  }

  keepInFlight(count: number): void {
    this.#isClosedLoop = true;
    this.#client?.batch(() => {
      for (let sent = 0; sent < count; sent++) this.#send(this.#now());
    });
  }

  sendDue(due: number): void {
    const micros = Math.round(due * 1000);
    if ((this.#client?.bufferedBytes ?? 0) > MOST_BUFFERED || this.#unsent.length > 0) this.#unsent.push(micros);
    else this.#send(micros);
  }

  onDrain(): void {
    while (this.#unsent.length > 0 && (this.#client?.bufferedBytes ?? 0) <= MOST_BUFFERED)
      this.#send(this.#unsent.shift() ?? 0);
  }

  stop(): void {
    this.#isClosedLoop = false;
  }

  giveUp(): void {
    for (const micros of [...this.#sent.drain(), ...this.#unsent.drain()])
      this.#counters.recordUnanswered(micros / 1000);
  }

  onMessage(bytes: Buffer, start: number, end: number): void {
    const micros = this.#answered(bytes, start, end);
    if (micros === undefined) {
      this.#counters.foreign++;
      return;
    }
    this.#counters.countReceived(end - start);
    this.#counters.recordLatency(micros / 1000);
    if (this.#isClosedLoop) this.#send(this.#now());
  }

  /** When the message that this answers was due. Undefined: it is no answer to one of ours. */
  #answered(bytes: Buffer, start: number, end: number): number | undefined {
    // Too short for a stamp: answers come in order.
    if (!this.#payload.isStamped) return this.#sent.shift();
    const at = findStamp(bytes, start, end);
    if (at === NO_STAMP || stampSender(bytes, at) !== this.#id) return undefined;
    const micros = stampMicros(bytes, at);
    return this.#sent.take(micros) ? micros : undefined;
  }

  #send(micros: number): void {
    if (this.#client === null) return;
    this.#sent.push(micros);
    this.#client.send(this.#payload.stamped(micros, this.#id), this.#payload.isBinary);
    this.#counters.countSent(this.#payload.size);
  }

  #now(): number {
    return Math.round(this.#counters.now() * 1000);
  }
}
