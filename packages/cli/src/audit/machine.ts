/**
 * Whether a wait was the server's, or that of a machine which is busy with something else. A thread does the same piece of work
 * again and again meanwhile: how much longer it takes than at its fastest is how much longer everything takes here, a server on
 * this machine included. And the auditor itself may come late to what it measures.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/** What the thread and the auditor share. */
export interface Yardstick {
  /** Pieces of work that are done. */
  readonly pieces: Int32Array;
  /** What the fastest of them took, in milliseconds. */
  readonly fastestMs: Float64Array;
}

export interface Delays {
  /** How many times as long as at its fastest work took; 1: this machine has nothing else to do. */
  readonly stretch: number;
  /** The longest time that the auditor itself came late, in milliseconds. */
  readonly ownMs: number;
}

/** So many pieces, and the code is compiled and one of them was not interrupted. */
const WARM_UP = 50;
const WARM_UP_MS = 2000;
const LOOK_MS = 5;
/** Differences that caches and the clock of the processor make. */
const NOISE = 1.2;

export class Machine {
  readonly #yardstick: Yardstick = {
    pieces: new Int32Array(new SharedArrayBuffer(4)),
    fastestMs: new Float64Array(new SharedArrayBuffer(8)),
  };
  readonly #worker: Worker = new Worker(new URL("yardstick.js", import.meta.url), { workerData: this.#yardstick });

  /** Begins to keep a processor busy. It goes on until `stop`. */
  static async start(): Promise<Machine> {
    const machine = new Machine();
    await once(machine.#worker, "online");
    // Without it nothing is told apart, and no audit ends of that.
    machine.#worker.on("error", () => {});
    const endsAt = performance.now() + WARM_UP_MS;
    while (machine.#pieces < WARM_UP && performance.now() < endsAt)
      await new Promise((done) => setTimeout(done, LOOK_MS));
    return machine;
  }

  /** @returns a function that tells what the delays were since */
  watch(): () => Delays {
    const since = performance.now();
    const before = this.#pieces;
    const ownDelay = watchOwnDelay();
    return () => {
      // The piece that is under way counts as done: a short look is not to be one in which nothing was.
      const done = this.#pieces - before + 1;
      const stretch = (performance.now() - since) / (done * this.#yardstick.fastestMs[0]!);
      return { stretch: stretch < NOISE ? 1 : stretch, ownMs: ownDelay() };
    };
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  get #pieces(): number {
    return Atomics.load(this.#yardstick.pieces, 0);
  }
}

/** @returns a function that tells by how much the auditor came late at most since, in milliseconds */
export function watchOwnDelay(): () => number {
  let due = performance.now() + LOOK_MS;
  let worst = 0;
  const look = (): void => {
    const now = performance.now();
    worst = Math.max(worst, now - due);
    due = now + LOOK_MS;
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    look();
    return worst;
  };
}
