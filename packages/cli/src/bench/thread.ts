/** A thread of the load generator, from its connections' opening to their close. */
import { parentPort, workerData } from "node:worker_threads";
import { EchoLoad } from "./echo-load.js";
import { FanoutLoad } from "./fanout-load.js";
import type { Load } from "./load.js";
import type { FromThread, ToThread, Work } from "./messages.js";
import type { Plan } from "./plan.js";
import { sharedClock } from "./shared-clock.js";
import { StormLoad } from "./storm-load.js";
import { Counters, type Snapshot } from "./tally.js";
import { threadCpuMs } from "./thread-time.js";

const PROGRESS_MS = 250;
const POLL_MS = 10;
/**
 * So many looks in which nothing came, and answers that are still out when the time is over will not come. They are counted, since
 * a machine that is too busy to let us look keeps the server from answering as well.
 */
const LAST_LOOKS = 200;
/** What a server that is far behind is given, however steadily it answers. */
const DRAIN_MS = 10_000;

const work = workerData as Work;
const plan: Plan = { ...work.plan, target: { ...work.plan.target, url: new URL(work.plan.target.url) } };
const counters = new Counters(sharedClock(work.epoch));
const load = makeLoad();
const stop = new AbortController();

parentPort?.on("message", (message: ToThread) => {
  if (message.do === "begin") return void run(message);
  stop.abort();
  load.stopOpening();
});
await load.open();
tell({ is: "ready", opened: counters.opened, listeners: counters.listeners });

function makeLoad(): Load {
  switch (plan.load) {
    case "echo":
      return new EchoLoad(plan, work.thread, counters);
    case "fanout":
      return new FanoutLoad(plan, work.thread, counters, String(work.epoch));
    case "storm":
      return new StormLoad(plan, work.thread, counters);
  }
}

async function run(message: ToThread & { do: "begin" }): Promise<void> {
  const start = message.at + plan.warmUpMs;
  const end = start + plan.durationMs;
  if (plan.rate !== null) counters.setWindow(start, end);
  const progress = setInterval(sendProgress, PROGRESS_MS);
  await reached(message.at);
  let [from, since] = [counters.snapshot(), effort()];
  if (plan.warmUpMs === 0) measureFrom(from);
  load.begin(message.at, message);
  if (plan.warmUpMs > 0) {
    await reached(start);
    [from, since] = [counters.snapshot(), effort()];
  }
  measureFrom(from);
  await reached(end);
  const [to, until] = [counters.snapshot(), effort()];
  measureFrom(from, to);
  clearInterval(progress);
  const { backlog } = load;
  load.stopSending(Math.min(end, counters.now()));
  await quiet();
  await load.close();
  const activeMs = until.activeMs - since.activeMs;
  const cpuMs = until.cpuMs === null || since.cpuMs === null ? activeMs : until.cpuMs - since.cpuMs;
  tell({ is: "done", tally: counters.tally(from, to, { backlog, activeMs, cpuMs }) });
  parentPort?.close();
}

/** A closed loop has no schedule: what is measured begins and ends when the counters are read, however late that is. */
function measureFrom(from: Snapshot, to?: Snapshot): void {
  // Times in messages are whole microseconds.
  if (plan.rate === null) counters.setWindow(from.at - 0.001, to?.at ?? Number.POSITIVE_INFINITY);
}

/** What the thread has done so far: the time it was not asleep in, and the time it had a processor. */
function effort(): { activeMs: number; cpuMs: number | null } {
  return { activeMs: performance.eventLoopUtilization().active, cpuMs: threadCpuMs() };
}

/** Resolves at that time, or when the run ends early. */
async function reached(time: number): Promise<void> {
  while (!stop.signal.aborted && !load.isOver && counters.now() < time)
    await pause(Math.max(1, Math.min(PROGRESS_MS, time - counters.now())));
}

async function quiet(): Promise<void> {
  let received = counters.received;
  let looks = LAST_LOOKS;
  const deadline = counters.now() + DRAIN_MS;
  while (!load.isOver && !load.isQuiet && looks-- > 0) {
    await pause(POLL_MS);
    if (counters.received === received || counters.now() > deadline) continue;
    received = counters.received;
    looks = LAST_LOOKS;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function sendProgress(): void {
  const { sent, received, open } = counters;
  const [errors, closes] = [counters.errors, counters.closes].map((counts) =>
    Object.values(counts).reduce((sum, count) => sum + count, 0),
  );
  tell({ is: "progress", sent, received, open, errors: errors ?? 0, closes: closes ?? 0 });
}

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}
