/**
 * Where the log lines go. A reader that stalls (a full pipe, a terminal on hold) must not stop the server, and what waits for it
 * must not fill the memory: lines past a bound are dropped and counted. A reader that is gone must not end the server.
 */
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import { pino } from "pino";

export interface LogSink {
  write(line: string): void;
  /** Whether there is something that is not written yet. */
  readonly isWaiting: boolean;
  /** Waits until everything is written, or so long. Whether it was. */
  drained(timeoutMs: number): Promise<boolean>;
}

const MOST_WAITING = 1024 * 1024;

/** `onDropped` is called once there is room again after lines were dropped, with their number. */
export function openLogSink(fd: number, onDropped: (lines: number) => void): LogSink {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket() ? new PipeSink(fd, onDropped) : new FileSink(fd, onDropped);
}

/**
 * A pipe or a socket, without blocking and without a thread: a write that waits in libuv's pool would take one of its four threads,
 * and the process could not exit before it has returned.
 */
class PipeSink implements LogSink {
  readonly #socket: Socket;
  readonly #drops: Drops;

  constructor(fd: number, onDropped: (lines: number) => void) {
    this.#drops = new Drops(onDropped);
    this.#socket = new Socket({ fd, readable: false, writable: true });
    // EPIPE: nobody reads any more. The server goes on without a log.
    this.#socket.on("error", () => {});
    this.#socket.on("drain", () => this.#drops.report());
  }

  write(line: string): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength + line.length > MOST_WAITING) this.#drops.count();
    else this.#socket.write(line);
  }

  get isWaiting(): boolean {
    return !this.#socket.destroyed && this.#socket.writableLength > 0;
  }

  drained(timeoutMs: number): Promise<boolean> {
    return waitUntil(() => !this.isWaiting, timeoutMs);
  }
}

/** A file, written at once; or a terminal, which can be on hold (Ctrl+S), written from the thread pool. */
class FileSink implements LogSink {
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #drops: Drops;
  #waiting = 0;

  constructor(fd: number, onDropped: (lines: number) => void) {
    this.#drops = new Drops(onDropped);
    this.#destination = pino.destination({ dest: fd, sync: !isatty(fd), minLength: 0 });
    // A full disk, a terminal that was closed: the lines are lost, the server goes on.
    this.#destination.on("error", () => (this.#waiting = 0));
    this.#destination.on("write", (bytes: number) => {
      this.#waiting = Math.max(0, this.#waiting - bytes);
      if (this.#waiting === 0) this.#drops.report();
    });
  }

  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#waiting + size > MOST_WAITING) return this.#drops.count();
    this.#waiting += size;
    this.#destination.write(line);
  }

  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  drained(timeoutMs: number): Promise<boolean> {
    return waitUntil(() => !this.isWaiting, timeoutMs);
  }
}

class Drops {
  readonly #onDropped: (lines: number) => void;
  #lines = 0;

  constructor(onDropped: (lines: number) => void) {
    this.#onDropped = onDropped;
  }

  count(): void {
    this.#lines++;
  }

  report(): void {
    const lines = this.#lines;
    this.#lines = 0;
    if (lines > 0) this.#onDropped(lines);
  }
}

async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await new Promise((next) => setTimeout(next, 5));
  }
  return true;
}
