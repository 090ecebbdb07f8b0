import cluster, { type Worker as ClusterWorker } from "node:cluster";
import { runOutside } from "../server/base/async-context.js";
import type { Listening } from "../server/listen.js";
import { type Beginning, isOurs, type ToSupervisor, type ToWorker } from "./messages.js";
import { eachLine } from "./output-lines.js";

export interface ProcessSettings {
  readonly program?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly startTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  onLine(line: string, worker: number): void;
  onReport?: ((report: unknown, worker: { readonly id: number; readonly pid: number }) => void) | undefined;
  /** It was killed for this. */
  onKilled(worker: WorkerProcess, why: string): void;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const TICK_MS = 1000;
const LAST_WORDS_MS = 500;

/** One process of a worker, from its start to its end. */
export class WorkerProcess {
  readonly id: number;
  readonly ready: Promise<Listening | undefined>;
  /** It is gone, and all that it wrote has been read. */
  readonly ended: Promise<Exit>;
  readonly #process: ClusterWorker;
  readonly #settings: ProcessSettings;
  readonly #beginning: Beginning;
  #readyAt: number | undefined;
  #isTold = false;
  #isKilled = false;
  #exit: Exit | undefined;
  #onReady: (listening: Listening | undefined) => void = () => {};
  /** Seconds since it said something. A machine that was asleep for long has had one. */
  #silentTicks = 0;
  #ticks = 0;
  /** What the application told of it last. */
  report: unknown;

  constructor(beginning: Beginning, settings: ProcessSettings) {
    this.id = beginning.id;
    this.#beginning = beginning;
    this.#settings = settings;
    // For the whole process: it holds for the next fork.
    cluster.setupPrimary({
      ...(settings.program === undefined ? {} : { exec: settings.program }),
      ...(settings.args === undefined ? {} : { args: [...settings.args] }),
      silent: true,
    });
    this.#process = runOutside(() => cluster.fork());
    const child = this.#process.process;
    this.ready = new Promise((resolve) => (this.#onReady = resolve));
    const timer = setInterval(() => this.#onTick(), TICK_MS);
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        clearInterval(timer);
        this.#exit = { code, signal };
        // What it wrote last is still read; not for long, since a process of its own may hold the other end.
        setTimeout(() => resolve(this.#exit!), LAST_WORDS_MS).unref();
      });
      child.once("close", () => resolve(this.#exit!));
    });
    // A process that could not be started, or a message to one that is gone: its end is told anyway.
    child.on("error", () => {});
    this.#process.on("error", () => {});
    child.on("message", (message: unknown) => {
      if (isOurs(message)) this.#onMessage(message as ToSupervisor);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) eachLine(stream, (line) => settings.onLine(line, this.id));
    }
  }

  get pid(): number {
    return this.#process.process.pid ?? 0;
  }

  /** Whether it listens, and was not told to end. */
  get isServing(): boolean {
    return this.#readyAt !== undefined && !this.#isTold && this.#exit === undefined;
  }

  get hasEnded(): boolean {
    return this.#exit !== undefined;
  }

  /** Whether it was to listen on this port. */
  hasPort(port: number): boolean {
    const { place } = this.#beginning;
    return "port" in place && place.port === port;
  }

  /** Whether its end was asked for. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** For how long it has been ready; undefined: it never was. */
  get readyMs(): number | undefined {
    return this.#readyAt === undefined ? undefined : performance.now() - this.#readyAt;
  }

  /** Ends in good order; in so many milliseconds at most. */
  drain(timeoutMs: number): Promise<Exit> {
    if (!this.#isTold) {
      this.#isTold = true;
      this.#send({ hawser: "drain" });
      const timer = setTimeout(() => this.killFor("it did not end in time"), timeoutMs);
      void this.ended.then(() => clearTimeout(timer));
    }
    return this.ended;
  }

  send(message: unknown): void {
    this.#send({ hawser: "message", message });
  }

  /** Ends at once. */
  kill(): void {
    this.#isTold = true;
    this.#process.process.kill("SIGKILL");
  }

  /** Ends at once: something is wrong with it. */
  killFor(why: string): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#settings.onKilled(this, why);
    this.#process.process.kill("SIGKILL");
  }

  #onMessage(message: ToSupervisor): void {
    this.#silentTicks = 0;
    switch (message.hawser) {
      case "hello":
        this.#send({ hawser: "begin", beginning: this.#beginning });
        if (this.#isTold) this.#send({ hawser: "drain" });
        break;
      case "ready":
        this.#readyAt ??= performance.now();
        this.#onReady(message.listening);
        break;
      case "beat":
        this.report = message.report;
        this.#settings.onReport?.(message.report, { id: this.id, pid: this.pid });
    }
  }

  #send(message: ToWorker): void {
    if (this.#process.process.connected) this.#process.process.send(message, () => {});
  }

  #onTick(): void {
    const { startTimeoutMs, silenceTimeoutMs } = this.#settings;
    this.#silentTicks++;
    this.#ticks++;
    if (this.#readyAt === undefined) {
      if (this.#ticks * TICK_MS > startTimeoutMs) this.killFor("it did not listen in time");
    } else if (silenceTimeoutMs > 0 && this.#silentTicks * TICK_MS > silenceTimeoutMs) {
      this.killFor("it did not say anything for too long");
    }
  }
}
