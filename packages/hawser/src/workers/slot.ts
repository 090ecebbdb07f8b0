import type { WorkerProcess } from "./worker-process.js";

/** The place of one worker, whichever process has it. */
export class Slot {
  readonly id: number;
  /** The process that serves, or is to; one that has ended until there is another. */
  current: WorkerProcess | undefined;
  /** The one that is to follow it in a rolling restart. */
  next: WorkerProcess | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(id: number) {
    this.id = id;
  }

  /** Calls back after so long, unless it is cancelled. */
  later(ms: number, callback: () => void): void {
    this.cancel();
    this.#timer = setTimeout(callback, ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
