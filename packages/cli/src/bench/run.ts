/** A run from its first connection to its report. */
import { Worker } from "node:worker_threads";
import { OpenError } from "../tools/open-error.js";
import { openFirst } from "../tools/open-web-socket.js";
import { nameOf } from "../tools/target.js";
import type { WebSocketClient } from "../tools/web-socket-client.js";
import { openOptions } from "./connections.js";
import type { FromThread, Progress, ToThread, Work } from "./messages.js";
import type { Plan } from "./plan.js";
import { makeReport, type Report } from "./report.js";
import { sharedClock } from "./shared-clock.js";
import type { Tally } from "./tally.js";

/** From the order to begin to the first message: all threads have heard of it by then. */
const LEAD_MS = 20;

export interface RunEvents {
  /** Ends the run early: what was measured so far is reported. */
  readonly signal: AbortSignal;
  /** Several times a second. `seconds` since the first message was due. */
  onProgress(seconds: number, progress: Progress): void;
}

/** @throws OpenError (by rejection) when there is no WebSocket at the target */
export async function runBench(plan: Plan, events: RunEvents): Promise<Report> {
  // One connection by itself: what is wrong with the target is said in one line, before there is any load.
  const { client, target } = await Promise.race([openFirst(plan.target, openOptions(plan)), interrupted(plan, events)]);
  const { subprotocol } = client;
  await closed(client);
  const ownPlan = { ...plan, target };

  const epoch = process.hrtime.bigint();
  const now = sharedClock(epoch);
  const threads = Array.from({ length: plan.threads }, (_, thread) => new Thread(ownPlan, thread, epoch));
  const stop = (): void => {
    for (const thread of threads) thread.tell({ do: "stop" });
  };
  events.signal.addEventListener("abort", stop);
  // It may have come while the first connection was opened.
  if (events.signal.aborted) stop();
  try {
    const ready = await Promise.all(threads.map((thread) => thread.ready));
    const cpu = process.cpuUsage();
    const at = now() + LEAD_MS;
    const listenerThreads = Array.from({ length: plan.rooms }, (_, room) =>
      ready.flatMap(({ listeners }, thread) => ((listeners[room] ?? 0) > 0 ? [thread] : [])),
    );
    for (const thread of threads) {
      thread.onProgress = () => events.onProgress((now() - at) / 1000, sum(threads.map(({ progress }) => progress)));
      thread.tell({ do: "begin", at, listenerThreads });
    }
    const tallies = await Promise.all(threads.map((thread) => thread.done));
    const { user, system } = process.cpuUsage(cpu);
    const cpuCores = (user + system) / 1000 / Math.max(1, now() - at);
    return makeReport(ownPlan, tallies, { subprotocol, cpuCores, wasInterrupted: events.signal.aborted });
  } finally {
    events.signal.removeEventListener("abort", stop);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Rejects when the run is ended before there is anything to report. */
function interrupted({ target }: Plan, { signal }: RunEvents): Promise<never> {
  const rejected = new Promise<never>((_, reject) =>
    signal.addEventListener("abort", () =>
      reject(new OpenError(nameOf(target), "interrupted", "interrupted before it had answered")),
    ),
  );
  // Later on an interrupted run has its report.
  rejected.catch(() => {});
  return rejected;
}

function closed(client: WebSocketClient): Promise<void> {
  return new Promise((resolve) => {
    client.listen({ onMessage: () => {}, onEnd: () => resolve() });
    client.close();
  });
}

type Ready = Extract<FromThread, { is: "ready" }>;

const NONE: Progress = { sent: 0, received: 0, open: 0, errors: 0, closes: 0 };

function sum(all: readonly Progress[]): Progress {
  return all.reduce(
    (total, one) => ({
      sent: total.sent + one.sent,
      received: total.received + one.received,
      open: total.open + one.open,
      errors: total.errors + one.errors,
      closes: total.closes + one.closes,
    }),
    NONE,
  );
}

class Thread {
  readonly ready: Promise<Ready>;
  readonly done: Promise<Tally>;
  progress: Progress = NONE;
  onProgress: () => void = () => {};
  readonly #worker: Worker;

  constructor(plan: Plan, thread: number, epoch: bigint) {
    const { target } = plan;
    const workerData: Work = { plan: { ...plan, target: { ...target, url: target.url.href } }, thread, epoch };
    this.#worker = new Worker(new URL("thread.js", import.meta.url), { workerData });
    const failed = new Promise<never>((_, reject) => this.#worker.once("error", reject));
    failed.catch(() => {});
    const [ready, done] = [this.#next("ready"), this.#next("done").then(({ tally }) => tally)];
    this.ready = Promise.race([ready, failed]);
    this.done = Promise.race([done, failed]);
    this.done.catch(() => {});
    this.#worker.on("message", (message: FromThread) => {
      if (message.is !== "progress") return;
      this.progress = message;
      this.onProgress();
    });
  }

  #next<Kind extends FromThread["is"]>(kind: Kind): Promise<Extract<FromThread, { is: Kind }>> {
    return new Promise((resolve) => {
      this.#worker.on("message", (message: FromThread) => {
        if (message.is === kind) resolve(message as Extract<FromThread, { is: Kind }>);
      });
    });
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
