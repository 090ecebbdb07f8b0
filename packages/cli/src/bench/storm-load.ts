/** Connections are opened and closed with 1000, one after another; what is measured is the handshake. */
import { OpenError } from "../tools/open-error.js";
import { openWebSocket } from "../tools/open-web-socket.js";
import { closeName, openOptions } from "./connections.js";
import { DueTimes } from "./due-times.js";
import type { Load } from "./load.js";
import { membersOf, type Plan } from "./plan.js";
import { Schedule } from "./schedule.js";
import type { Counters } from "./tally.js";

/** After a handshake that failed: where nobody listens any more, trying again at once would be a busy loop. */
const BACK_OFF_MS = 100;
const GOODBYE = 1000;

export class StormLoad implements Load {
  readonly #plan: Plan;
  readonly #thread: number;
  readonly #counters: Counters;
  readonly #places: number;
  /** Handshakes that are due and have no place yet. */
  readonly #due = new DueTimes();
  /** When those that are under way were due. */
  readonly #underWay = new DueTimes();
  #busy = 0;
  #running = false;
  #schedule: Schedule | null = null;

  constructor(plan: Plan, thread: number, counters: Counters) {
    this.#plan = plan;
    this.#thread = thread;
    this.#counters = counters;
    this.#places = membersOf(plan, thread).length;
  }

  async open(): Promise<void> {}

  stopOpening(): void {}

  begin(at: number): void {
    const { rate, connections } = this.#plan;
    this.#running = true;
    if (rate === null) {
      while (this.#busy < this.#places) this.#start(this.#counters.now());
      return;
    }
    this.#schedule = new Schedule(this.#counters, (rate * this.#places) / connections, this.#plan.threads, (due) => {
      if (this.#busy < this.#places) this.#start(due);
      else this.#due.push(due);
    });
    this.#schedule.start(at + (this.#thread * 1000) / rate);
  }

  stopSending(end: number): void {
    this.#schedule?.stop(end);
    this.#running = false;
  }

  get backlog(): number {
    return this.#due.length + (this.#schedule?.behind ?? 0);
  }

  get isOver(): boolean {
    return false;
  }

  get isQuiet(): boolean {
    return this.#busy === 0;
  }

  async close(): Promise<void> {
    for (const due of [...this.#underWay.drain(), ...this.#due.drain()]) this.#counters.recordUnanswered(due);
  }

  #start(due: number): void {
    this.#busy++;
    void this.#openAndClose(due).then(() => {
      this.#busy--;
      if (!this.#running) return;
      const next = this.#schedule === null ? this.#counters.now() : this.#due.shift();
      if (next !== undefined) this.#start(next);
    });
  }

  /** Resolves when the connection is gone. */
  async #openAndClose(due: number): Promise<void> {
    const counters = this.#counters;
    try {
      counters.countSent(0);
      this.#underWay.push(due);
      const client = await openWebSocket(this.#plan.target, openOptions(this.#plan));
      if (this.#underWay.take(due)) counters.recordLatency(due);
      counters.countReceived(0);
      counters.opened++;
      counters.open++;
      const { subscribe } = this.#plan;
      const ending = new Promise<void>((resolve) =>
        client.listen({
          onMessage: () => void counters.foreign++,
          onEnd: (how) => {
            counters.open--;
            if (how.initiator !== "us" || how.fault !== "") counters.countClose(closeName(how));
            resolve();
          },
        }),
      );
      if (subscribe !== null) client.send(subscribe);
      client.close(GOODBYE);
      await ending;
    } catch (error) {
      if (!(error instanceof OpenError)) throw error;
      this.#underWay.take(due);
      counters.countError(error.kind);
      await new Promise((resolve) => setTimeout(resolve, BACK_OFF_MS));
    }
  }
}
