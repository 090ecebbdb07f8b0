/** The server under `--exec`: a process group of its own, which never outlives the audit. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { type Target, TargetError } from "../tools/target.js";
import { sleep } from "./sleep.js";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const START_MS = 30_000;
/** What it said last may come behind its exit, and never ends where something that it started goes on with its outputs. */
const LAST_WORDS_MS = 2000;
/** More lines are counted and not kept. */
const KEPT_LINES = 20_000;

export class ServerProcess {
  readonly lines: string[] = [];
  /** Undefined while it runs, and while its last words are read. */
  exit: Exit | undefined;

  readonly #child: ChildProcess;
  readonly #isShell: boolean;
  readonly #exited: Promise<Exit>;
  readonly #onOurEnd = (): void => this.kill();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.kill();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };

  private constructor(command: string) {
    // With exec the shell gives way to the program, so that the signal and the exit code are the program's own.
    this.#isShell = /[;&|<>()`\n]|^\s*\w+=|^\s*(cd|exec)\s/.test(command);
    this.#child = spawn(this.#isShell ? command : `exec ${command}`, {
      shell: true,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#exited = new Promise((done) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        clearTimeout(waiting);
        done((this.exit ??= { code, signal }));
      };
      let waiting: NodeJS.Timeout | undefined;
      this.#child.once("exit", (code, signal) => (waiting = setTimeout(end, LAST_WORDS_MS, code, signal)));
      this.#child.once("close", end);
      this.#child.once("error", () => end(127, null));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.trim() !== "" && this.lines.length < KEPT_LINES) this.lines.push(line);
      });
    }
    process.once("exit", this.#onOurEnd);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, this.#onSignal);
  }

  /**
   * Runs the command and waits until the target takes connections.
   * @throws TargetError when something else listens there, or nothing does in time
   */
  static async start(command: string, target: Target): Promise<ServerProcess> {
    if (await isListening(target))
      throw new TargetError(`${target.host} is in use already: --exec starts the server itself`);
    const server = new ServerProcess(command);
    const deadline = performance.now() + START_MS;
    while (!(await isListening(target))) {
      if (server.exit !== undefined)
        throw new TargetError(`--exec: the command ended before it listened on ${target.host}${server.evidence}`);
      if (performance.now() > deadline) {
        await server.stop();
        throw new TargetError(`--exec: nothing listens on ${target.host} ${START_MS / 1000} s after the command began`);
      }
      await sleep(50);
    }
    return server;
  }

  /** How it ended and its last words; for a line of text. */
  get evidence(): string {
    const how =
      this.exit === undefined
        ? ""
        : this.exit.signal === null
          ? `exit code ${this.exit.code}`
          : `ended by ${this.exit.signal}`;
    // "TypeError: …" before "… error event …", and neither of a stack trace's places.
    const said = this.lines.filter((line) => !/^\s*at /.test(line));
    const words =
      said.findLast((line) => /: ./.test(line.slice(line.search(/(?:Error|Exception|panic)\b|$/)))) ??
      said.findLast((line) => /error|fatal/i.test(line));
    const text = [how, (words ?? this.lines.at(-1))?.trim().slice(0, 160)]
      .filter((part) => part !== undefined && part !== "")
      .join("; ");
    return text === "" ? "" : ` (${text})`;
  }

  async ended(timeoutMs: number): Promise<Exit | undefined> {
    await Promise.race([this.#exited, sleep(timeoutMs)]);
    return this.exit;
  }

  /** SIGTERM as a supervisor sends it: to the program, not to a shell around it. */
  terminate(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const children = this.#isShell ? childrenOf(pid) : [];
    for (const receiver of children.length > 0 ? children : [pid]) signalTo(receiver, "SIGTERM");
  }

  /** Stops everything that the command started, until `resume`. @returns whether this system can */
  suspend(): boolean {
    const { pid } = this.#child;
    if (pid === undefined || process.platform === "win32") return false;
    signalTo(-pid, "SIGSTOP");
    return true;
  }

  resume(): void {
    if (this.#child.pid !== undefined) signalTo(-this.#child.pid, "SIGCONT");
  }

  /** Ends everything that the command started, at once. */
  kill(): void {
    if (this.#child.pid !== undefined) signalTo(-this.#child.pid, "SIGKILL");
  }

  async stop(): Promise<void> {
    this.kill();
    await this.ended(2000);
    process.removeListener("exit", this.#onOurEnd);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeListener(signal, this.#onSignal);
  }

  /** Resident memory of the process and those it started; undefined where the system does not say (it is read from /proc). */
  memoryBytes(): number | undefined {
    return this.#sum(residentBytes);
  }

  /** Processor time of the process and those it started, in milliseconds, to the hundredth of a second; undefined as above. */
  cpuMs(): number | undefined {
    return this.#sum(cpuMs);
  }

  #sum(figure: (pid: number) => number | undefined): number | undefined {
    const { pid } = this.#child;
    if (pid === undefined) return undefined;
    const figures = [pid, ...descendantsOf(pid)].map(figure).filter((one) => one !== undefined);
    return figures.length === 0 ? undefined : figures.reduce((sum, one) => sum + one, 0);
  }
}

function isListening(target: Target): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: target.address, port: target.port });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      done(isThere);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** From the fourth field of /proc/PID/stat; none where there is no /proc. */
function childrenOf(parent: number): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => parentOf(pid) === parent);
  } catch {
    return [];
  }
}

function parentOf(pid: number): number | undefined {
  return statOf(pid)?.[1];
}

/** From the 14th and the 15th field: in the program and in the kernel, in hundredths of a second as Linux counts for everybody. */
function cpuMs(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat === undefined ? undefined : (stat[11]! + stat[12]!) * 10;
}

/** The fields of /proc/PID/stat from the third on: the second, the name in parentheses, may have blanks in it. */
function statOf(pid: number): number[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat
    ?.slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
}

function residentBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process has ended, or there is no /proc
  }
}
