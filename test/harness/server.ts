/**
 * The real server process, started as a user starts it: `hawser serve --port 0 ...`, watched through its JSON log lines.
 *
 * `HAWSER_TEST_SERVER=FILE` runs another program in its place (one that understands the same flags and log lines).
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { PATIENCE_MS } from "./concurrency.js";
import { projectRoot } from "./root.js";

/** One JSON line of the server's log; what every line has, and the rest by name. */
export interface LogLine {
  level: string | number;
  time: string | number;
  event: string;
  id?: string;
  [field: string]: unknown;
}

export interface ServeOptions {
  env?: Record<string, string>;
  cwd?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  /** From the `listening` line, such as `ws://127.0.0.1:40123/`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Every JSON line so far, in order. */
  readonly lines: LogLine[];
  /** Lines of stdout that are not JSON, and all of stderr: a healthy server has none. */
  readonly strayLines: string[];
  readonly exit: Promise<Exit>;
  /** Set once the process has ended. */
  readonly exited: Exit | undefined;
  /** The first line with this event (and for which `predicate` holds), past or future. */
  waitForEvent(event: string, predicate?: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  rssBytes(): number;
  /** Processor time of the process so far, in milliseconds, to 10 ms. */
  cpuMs(): number;
  /** SIGTERM, then SIGKILL if that was not enough; resolves when the process is gone. */
  stop(): Promise<Exit>;
}

/** The file that `bin.hawser` of @hawser/cli names. */
export function cliPath(): string {
  const standIn = process.env["HAWSER_TEST_SERVER"];
  if (standIn !== undefined) return resolve(standIn);
  const folder = join(projectRoot, "packages/cli");
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { bin: { hawser: string } };
  return join(folder, manifest.bin.hawser);
}

export async function serve(args: readonly string[], options: ServeOptions = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, [cliPath(), "serve", "--port", "0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  endWithUs(child);
  const process_ = watch(child);
  try {
    const line = await process_.waitForEvent("listening", undefined);
    process_.url = String(line["url"]);
    process_.port = Number(new URL(process_.url).port);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return process_;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function watch(child: ChildProcess): Mutable<ServerProcess> {
  const lines: LogLine[] = [];
  const strayLines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => waiting.forEach((check) => check());
  const exit = new Promise<Exit>((done) => {
    // What it said last may come behind its exit.
    child.once("close", (code, signal) => done((self.exited = { code, signal })));
    child.once("error", (error) => {
      strayLines.push(String(error));
      done((self.exited = { code: null, signal: null }));
    });
  });
  void exit.then(wake);
  readLines(child.stdout, (text) => {
    const line = parseLogLine(text);
    if (line === undefined) strayLines.push(text);
    else lines.push(line);
    wake();
  });
  readLines(child.stderr, (text) => strayLines.push(text));

  const self: Mutable<ServerProcess> = {
    url: "",
    port: 0,
    pid: child.pid ?? -1,
    lines,
    strayLines,
    exit,
    exited: undefined,
    waitForEvent(event, predicate = () => true, timeoutMs = PATIENCE_MS) {
      return new Promise((done, fail) => {
        let seen = 0;
        const check = (): void => {
          for (; seen < lines.length; seen++) {
            const line = lines[seen];
            if (line?.event === event && predicate(line)) return settle(() => done(line));
          }
          if (self.exited !== undefined) settle(() => fail(new Error(`the server ended before "${event}": ${tail()}`)));
        };
        const timer = setTimeout(
          () => settle(() => fail(new Error(`no "${event}" in ${timeoutMs} ms: ${tail()}`))),
          timeoutMs,
        );
        const settle = (how: () => void): void => {
          clearTimeout(timer);
          waiting.delete(check);
          how();
        };
        waiting.add(check);
        check();
      });
    },
    signal: (signal) => void child.kill(signal),
    rssBytes: () => rssBytes(self.pid),
    cpuMs: () => cpuMs(self.pid),
    async stop() {
      if (self.exited === undefined) child.kill("SIGTERM");
      const laggard = setTimeout(() => child.kill("SIGKILL"), 20_000);
      const how = await exit;
      clearTimeout(laggard);
      return how;
    },
  };
  const tail = (): string =>
    [...strayLines.slice(-5), ...lines.slice(-5).map((line) => JSON.stringify(line))].join("\n");
  return self;
}

function readLines(stream: NodeJS.ReadableStream | null, each: (text: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", each);
}

function parseLogLine(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

/** Resident memory of a process, from /proc where there is one. */
function rssBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (existsSync(status)) {
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(status, "utf8"))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  }
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
}

function cpuMs(pid: number): number {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat)) {
    // In hundredths of a second, behind the name of the program in brackets: see proc(5).
    const fields = readFileSync(stat, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  const time = execFileSync("ps", ["-o", "cputime=", "-p", String(pid)], { encoding: "utf8" }).trim();
  return time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
}

/** The environment without `HAWSER_*`: what a developer has set must not change what a test sees. */
function cleanEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HAWSER_")));
}

const children = new Set<ChildProcess>();
let watchingOurEnd = false;

/** No server outlives the test process, however that ends (short of SIGKILL). */
function endWithUs(child: ChildProcess): void {
  if (!watchingOurEnd) {
    watchingOurEnd = true;
    process.once("exit", endAll);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        endAll();
        process.exit(1);
      });
    }
  }
  children.add(child);
  child.once("exit", () => children.delete(child));
}

function endAll(): void {
  for (const child of children) child.kill("SIGKILL");
}
