import { createServer } from "node:net";
import { once } from "node:events";
import { MemoryEngine } from "../hub/brokers/memory-engine.js";
import type { Logger } from "../server/api/logger.js";
import { systemClock } from "../server/base/clock.js";
import { UsageError } from "../server/base/usage-error.js";
import { canReusePort, type Listening, type ListenTarget } from "../server/listen.js";
import { defaultLogger } from "../server/watching/default-logger.js";
import { guardedLog } from "../server/watching/guarded-log.js";
import { type EngineAddress, type EngineFaults, EngineListener } from "./channel/engine-listener.js";
import { type ResolvedSupervisorOptions, resolveSupervisorOptions, type SupervisorOptions } from "./options.js";
import { markLine } from "./output-lines.js";
import { Restarts } from "./restarts.js";
import { Slot } from "./slot.js";
import { type Exit, type ProcessSettings, WorkerProcess } from "./worker-process.js";

/** A worker, as its supervisor sees it. */
export interface WorkerStatus {
  /** From 1; the process that follows another has the same. */
  readonly id: number;
  readonly pid: number;
  readonly isServing: boolean;
  /** What it told last of itself: see `Worker.report`. */
  readonly report: unknown;
}

const MIB = 1024 * 1024;
/** So many failed starts in a row, while no worker serves, and it is given up. */
const MOST_FAILED_STARTS = 5;

/** Starts workers, keeps as many of them as are wanted, and has the memory that their topics share. */
export class Supervisor {
  /** Resolved with the exit code when all has ended: 0 when it was told to, 1 when workers could not be started. */
  readonly ended: Promise<number>;
  readonly #options: ResolvedSupervisorOptions;
  readonly #log: Logger;
  readonly #listener: EngineListener;
  readonly #restarts = new Restarts();
  readonly #slots: readonly Slot[];
  readonly #processes = new Set<WorkerProcess>();
  readonly #settings: ProcessSettings;
  #place: ListenTarget;
  #engine: EngineAddress | undefined;
  #listening: Listening | undefined;
  #areAllBegun = false;
  #restart: Promise<boolean> | undefined;
  #isAskedAgain = false;
  #isStopping = false;
  readonly #started: Promise<Listening | undefined>;
  #onStarted: (listening: Listening | undefined) => void = () => {};
  #onEnded: (exitCode: number) => void = () => {};
  readonly #removeFolder = (): void => this.#listener.removeFolder();

  /** @throws OptionError, UsageError */
  constructor(options: SupervisorOptions = {}) {
    const resolved = resolveSupervisorOptions(options);
    this.#options = resolved;
    this.#log = guardedLog(resolved.logger ?? defaultLogger("info"));
    this.#place = resolved.listen;
    const maxWaitingBytes = Math.max(32 * MIB, 4 * (resolved.engine?.topicBytes ?? 0));
    this.#listener = new EngineListener(new MemoryEngine(systemClock, resolved.engine), {
      maxWaitingBytes,
      onCut: (why, { message }) =>
        this.#log.warn({ event: "worker-channel-cut", why, reason: message }, "a connection to the engine was cut"),
    });
    this.#slots = Array.from({ length: resolved.workers }, (_, index) => new Slot(index + 1));
    const onLine = resolved.onLine ?? writeLine;
    this.#settings = {
      ...resolved,
      onLine: (line, worker) => onLine(markLine(line, worker), worker),
      onKilled: ({ id, pid }, why) =>
        this.#log.error({ event: "worker-killed", worker: id, pid, reason: why }, `worker ${id} is killed: ${why}`),
    };
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
    this.#started = new Promise((resolve) => (this.#onStarted = resolve));
  }

  /** Connections to the engine that were cut, by why. */
  get channelFaults(): Readonly<EngineFaults> {
    return { ...this.#listener.faults };
  }

  get workers(): readonly WorkerStatus[] {
    return this.#slots.map(({ id, current }) => ({
      id,
      pid: current?.pid ?? 0,
      isServing: current?.isServing ?? false,
      report: current?.report,
    }));
  }

  /** Whether new clients are taken: one worker serves, at least, and all have not been told to end. */
  get isReady(): boolean {
    return !this.#isStopping && this.#slots.some(({ current }) => current?.isServing === true);
  }

  /**
   * Resolved when all workers listen, or when it has ended before: then `ended` says the rest.
   * @returns where; undefined when they listen nowhere
   * @throws what `node:net` emits where nobody could listen; UsageError when it was started already
   */
  async start(): Promise<Listening | undefined> {
    if (this.#engine !== undefined) throw new UsageError("this supervisor was started already");
    await this.#checkPlace();
    this.#engine = await this.#listener.listen();
    process.once("exit", this.#removeFolder);
    // The others when it listens: then the port is known.
    if (!this.#isStopping) this.#begin(this.#slots[0]!);
    return this.#started;
  }

  /**
   * One worker after another: a new one is started, and when it listens the old one sends its clients away and ends. Asked for once more
   * meanwhile, it is done once more.
   * @returns whether all were replaced: when a new one does not start, those that are left go on
   */
  restart(): Promise<boolean> {
    if (this.#restart !== undefined) {
      this.#isAskedAgain = true;
      return this.#restart;
    }
    this.#restart = this.#replaceAll().finally(() => (this.#restart = undefined));
    return this.#restart;
  }

  /** Something for JSON, to the `receive` of this process. @returns false if there is no such worker */
  send(pid: number, message: unknown): boolean {
    const process = [...this.#processes].find((process) => process.pid === pid);
    process?.send(message);
    return process !== undefined;
  }

  /** All workers send their clients away and end. Calling it again has the same answer. */
  stop(exitCode = 0): Promise<number> {
    if (!this.#isStopping) void this.#stop(exitCode);
    return this.ended;
  }

  /** All workers are gone at once, and nothing is left behind. */
  kill(): void {
    for (const process of this.#processes) process.kill();
    void this.stop(1);
    this.#listener.removeFolder();
  }

  async #stop(exitCode: number): Promise<void> {
    this.#isStopping = true;
    this.#log.info({ event: "workers-ending", workers: this.#processes.size }, "all workers are to end");
    for (const slot of this.#slots) slot.cancel();
    await Promise.all([...this.#processes].map((process) => process.drain(this.#options.drainTimeoutMs)));
    await this.#listener.close();
    process.removeListener("exit", this.#removeFolder);
    this.#log.info({ event: "workers-ended", exitCode }, "all workers have ended");
    this.#onStarted(undefined);
    this.#onEnded(exitCode);
  }

  /** An error here is one line now, and would be one of each worker later. What shares a port does not even see that others have it. */
  async #checkPlace(): Promise<void> {
    const place = this.#place;
    if ("fd" in place || "path" in place) return;
    const { port = 8080, host = "127.0.0.1" } = place;
    if (port !== 0) {
      const server = createServer();
      server.listen({ port, host });
      await once(server, "listening");
      server.close();
      await once(server, "close");
    }
    this.#place = { port, host, reusePort: canReusePort() };
  }

  /**
   * Port 0 is the port of whoever listened first. With `node:cluster` whoever asks for port 0 has the same one, as long as somebody has it, and whoever
   * asks for its number does not.
   */
  #placeNow(): ListenTarget {
    const place = this.#place;
    const port = this.#listening?.port ?? 0;
    if (port === 0 || "fd" in place || "path" in place || place.port !== 0) return place;
    const isHeld = [...this.#processes].some((process) => process.isServing && process.hasPort(0));
    return isHeld && place.reusePort !== true ? place : { ...place, port };
  }

  #begin(slot: Slot): WorkerProcess {
    const beginning = { id: slot.id, count: this.#slots.length, place: this.#placeNow(), engine: this.#engine! };
    const process = new WorkerProcess(beginning, this.#settings);
    this.#processes.add(process);
    slot.current ??= process;
    if (slot.current.hasEnded) slot.current = process;
    const fields = { worker: slot.id, pid: process.pid };
    this.#log.info({ event: "worker-started", ...fields }, `worker ${slot.id} is started`);
    void process.ready.then((listening) => this.#onReady(slot, process, listening));
    void process.ended.then((exit) => this.#onEnd(slot, process, exit));
    return process;
  }

  #onReady({ id }: Slot, process: WorkerProcess, listening: Listening | undefined): void {
    this.#listening ??= listening;
    // It asked for the others' port when the last of them was just gone.
    if (listening?.port !== this.#listening?.port) return process.killFor("it listens on another port than the others");
    this.#restarts.ready();
    this.#log.info({ event: "worker-ready", worker: id, pid: process.pid }, `worker ${id} serves`);
    if (!this.#areAllBegun && !this.#isStopping) {
      this.#areAllBegun = true;
      for (const other of this.#slots.slice(1)) this.#begin(other);
    }
    const allServe = this.#slots.every(({ current }) => current?.isServing === true);
    if (allServe && !this.#isStopping) this.#onStarted(this.#listening);
  }

  #onEnd(slot: Slot, process: WorkerProcess, { code, signal }: Exit): void {
    this.#processes.delete(process);
    this.#options.onEnd?.({ id: slot.id, pid: process.pid });
    const { id } = slot;
    const fields = { event: "worker-ended", worker: id, pid: process.pid, code, signal };
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    if (process.isTold || this.#isStopping) return this.#log.info(fields, `worker ${id} has ended`);
    this.#log.error(fields, `worker ${id} has ended ${how}${process.readyMs === undefined ? " before it served" : ""}`);
    // Of a rolling restart, which sees it too; or one that will be followed by it.
    if (slot.current === process && slot.next === undefined) this.#beginAgain(slot, process.readyMs);
  }

  #beginAgain(slot: Slot, readyMs: number | undefined): void {
    const waitMs = this.#restarts.ended(readyMs);
    const { failedStarts } = this.#restarts;
    if (failedStarts >= MOST_FAILED_STARTS && !this.#slots.some(({ current }) => current?.isServing)) {
      this.#log.error(
        { event: "workers-given-up", failedStarts },
        `${failedStarts} workers in a row have ended before they served, and none serves: giving up`,
      );
      void this.stop(1);
      return;
    }
    slot.later(waitMs, () => this.#begin(slot));
  }

  async #replaceAll(): Promise<boolean> {
    await this.#started;
    this.#log.info({ event: "workers-restarting", workers: this.#slots.length }, "each worker is replaced in turn");
    do {
      this.#isAskedAgain = false;
      for (const slot of this.#slots) {
        if (!(await this.#replace(slot))) {
          const fields = { event: "workers-not-restarted", worker: slot.id };
          if (!this.#isStopping) this.#log.error(fields, "a new worker did not start: those that are left go on");
          return false;
        }
      }
    } while (this.#isAskedAgain);
    this.#log.info({ event: "workers-restarted", workers: this.#slots.length }, "all workers were replaced");
    return true;
  }

  async #replace(slot: Slot): Promise<boolean> {
    if (this.#isStopping) return false;
    slot.cancel();
    const old = slot.current;
    const next = this.#begin(slot);
    slot.next = next;
    const isReady = await Promise.race([next.ready.then(() => true), next.ended.then(() => false)]);
    slot.next = undefined;
    if (isReady && !this.#isStopping) {
      slot.current = next;
      if (next.hasEnded) this.#beginAgain(slot, next.readyMs);
      await old?.drain(this.#options.drainTimeoutMs);
      return true;
    }
    if ((old === undefined || old.hasEnded) && !this.#isStopping) this.#beginAgain(slot, next.readyMs);
    return false;
  }
}

function writeLine(line: string, worker: number): void {
  process.stdout.write(`${line.startsWith('{"worker":') ? line : `worker ${worker}: ${line}`}\n`);
}
