/** A program with workers while it runs, and clients that account for every message. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { connect, type Live } from "@hawser/client";
import { WebSocket } from "ws";
import { sleep, until } from "../../harness/concurrency.js";
import type { HubProgram } from "./hub-main.js";

const PROGRAM = fileURLToPath(new URL("hub-main.js", import.meta.url));

/** Several processes are started, one after another, on a machine that is busy with other tests. */
const PATIENCE_MS = 240_000;

/** A line of the supervisor's, or of a worker's. */
export interface Line {
  readonly event?: string;
  readonly worker?: number;
  readonly pid?: number;
  readonly url?: string;
  readonly [field: string]: unknown;
}

export interface WorkersProgram {
  readonly supervisor: ChildProcess;
  /** Its own folder for temporary files. */
  readonly temporary: string;
  readonly lines: readonly Line[];
  /** Lines that are no JSON. */
  readonly texts: readonly string[];
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
  of(event: string): Line[];
  /** Waits until so many lines of this event are there. */
  saw(event: string, count?: number): Promise<void>;
  /** Of the workers that serve, by number. */
  pids(): Map<number, number>;
  /** Where it listens, once it does. */
  url(): Promise<string>;
}

/** Starts it. Nothing of it outlives the test. */
export function startProgram(
  test: TestContext,
  program: HubProgram | { readonly command: readonly string[]; readonly env?: NodeJS.ProcessEnv },
): WorkersProgram {
  const temporary = temporaryFolder(test);
  const [words, env] = "command" in program ? [program.command, program.env] : [[PROGRAM, JSON.stringify(program)], {}];
  const supervisor = spawn(process.execPath, words, {
    env: { ...process.env, TMPDIR: temporary, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Line[] = [];
  const texts: string[] = [];
  const pids = new Set<number>();
  let rest = "";
  const take = (text: string): void => {
    const all = (rest + text).split("\n");
    rest = all.pop()!;
    for (const line of all) {
      if (!line.startsWith("{")) {
        texts.push(line);
        continue;
      }
      const parsed = JSON.parse(line) as Line;
      lines.push(parsed);
      if (parsed.event === "worker-started") pids.add(parsed.pid!);
    }
  };
  supervisor.stdout.setEncoding("utf8").on("data", take);
  supervisor.stderr.setEncoding("utf8").on("data", (text: string) => texts.push(...text.split("\n")));
  const exit = new Promise<Awaited<WorkersProgram["exit"]>>((resolve) => {
    supervisor.once("close", (code, signal) => resolve({ code, signal }));
  });
  test.after(() => {
    supervisor.kill("SIGKILL");
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  });
  const of = (event: string): Line[] => lines.filter((line) => line.event === event);
  const saw = (event: string, count = 1): Promise<void> =>
    until(() => of(event).length >= count, `${event}, ${count} times`, PATIENCE_MS).catch((error: Error) => {
      const all = [...texts, ...lines.map((line) => JSON.stringify(line))];
      throw new Error([error.message, ...all].join("\n"));
    });
  return {
    supervisor,
    temporary,
    lines,
    texts,
    exit,
    of,
    saw,
    pids() {
      const serving = new Map<number, number>();
      for (const { event, worker, pid } of lines) {
        if (event === "worker-ready") serving.set(worker!, pid!);
        if (event === "worker-ended" && serving.get(worker!) === pid) serving.delete(worker!);
      }
      return serving;
    },
    async url() {
      await saw("listening");
      return of("listening")[0]!.url!;
    },
  };
}

export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "workers-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Whether there is such a process; one that has ended and was not waited for is none. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What is left of it in its folder for temporary files. */
export function leftIn(folder: string): string[] {
  return readdirSync(folder);
}

/** Clients that follow a topic and publish in it, until it is enough; then all is held against all. */
export class Crowd {
  readonly #url: string;
  readonly #lives: Live[] = [];
  readonly #seen: { offset: number; data: unknown }[][] = [];
  readonly #gaps: string[] = [];
  readonly #acknowledged = new Map<number, string>();
  readonly #publishing: Promise<void>[] = [];
  #isEnough = false;
  published = 0;

  private constructor(url: string) {
    this.#url = url;
  }

  /** So many subscribers, and two of them publish. */
  static async gather(test: TestContext, url: string, size: number): Promise<Crowd> {
    const crowd = new Crowd(url);
    test.after(() => crowd.#lives.forEach((live) => live.close()));
    await Promise.all(Array.from({ length: size }, (_, index) => crowd.#join(index)));
    for (const [index, live] of crowd.#lives.slice(0, 2).entries()) crowd.#publishing.push(crowd.#publish(live, index));
    return crowd;
  }

  get open(): number {
    return this.#lives.filter(({ state }) => state.current.phase === "open").length;
  }

  /** Ends the publishing, and holds what each client was given against what was acknowledged. */
  async account(): Promise<void> {
    this.#isEnough = true;
    await Promise.all(this.#publishing);
    const top = Math.max(...this.#acknowledged.keys());
    await until(
      () => this.#seen.every((messages) => messages.at(-1)?.offset === top),
      `all clients at ${top}, and not at ${this.#seen.map((messages) => messages.at(-1)?.offset).join()}`,
    );
    assert.deepEqual(this.#gaps, []);
    const expected = Array.from({ length: top }, (_, index) => index + 1);
    for (const messages of this.#seen) {
      assert.deepEqual(
        messages.map(({ offset }) => offset),
        expected,
      );
      for (const { offset, data } of messages) assert.equal(data, this.#acknowledged.get(offset));
    }
    assert.equal(this.#acknowledged.size, top, "each message is one that somebody published, once");
  }

  async #join(index: number): Promise<void> {
    const live = connect(this.#url, { token: () => `user ${index}`, WebSocket });
    const messages: { offset: number; data: unknown }[] = [];
    this.#lives.push(live);
    this.#seen.push(messages);
    await live.topic("room").subscribe({
      message: (data, { offset }) => void messages.push({ offset: offset!, data }),
      gap: ({ why }) => void this.#gaps.push(`${index}: ${why}`),
    }).ready;
  }

  async #publish(live: Live, index: number): Promise<void> {
    const topic = live.topic("room");
    for (let n = 0; !this.#isEnough; n++) {
      const text = `${index}/${n}`;
      const { offset } = await topic.publish(text);
      this.#acknowledged.set(offset!, text);
      this.published++;
      await sleep(5);
    }
  }
}
