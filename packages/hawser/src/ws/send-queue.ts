/** Something to be sent, in its turn. */
interface Task {
  readonly bytes: number;
  run(): void | Promise<void>;
  /** It will not be sent. */
  abandon(error: Error): void;
}

/** What is sent behind a blob, whose bytes are not at hand at once: it leaves in order. */
export class SendQueue {
  readonly #tasks: Task[] = [];
  #current: Task | null = null;
  /** Why nothing of it is sent any more; null: it is. */
  #ended: Error | null = null;
  readonly #onFailed: (error: Error) => void;

  /** @param onFailed the bytes of a blob cannot be had; what was behind it is not sent either */
  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed;
  }

  /** Whether what is to be sent has to wait. */
  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** Bytes of what waits. */
  get bytes(): number {
    return [this.#current, ...this.#tasks].reduce((sum, task) => sum + (task?.bytes ?? 0), 0);
  }

  /** Does this after all that waits, and has what comes later wait until it is done. */
  add(task: Task): void {
    this.#tasks.push(task);
    if (this.#current === null) void this.#run();
  }

  /** Nothing more of it is sent. What waits is told so when the bytes of the blob before it are there. */
  abort(error: Error): void {
    this.#ended = error;
  }

  async #run(): Promise<void> {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      this.#current = task;
      try {
        if (this.#ended === null) await task.run();
        else task.abandon(this.#ended);
      } catch (error) {
        const isOver = this.#ended !== null;
        this.#ended = error as Error;
        task.abandon(this.#ended);
        if (!isOver) this.#onFailed(this.#ended);
      }
      this.#current = null;
    }
  }
}
