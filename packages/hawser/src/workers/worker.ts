import cluster from "node:cluster";
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Broker } from "../hub/brokers/broker.js";
import { UsageError } from "../server/base/usage-error.js";
import type { Listening, ListenTarget } from "../server/listen.js";
import { WorkerBroker } from "./channel/worker-broker.js";
import { type Beginning, isOurs, type ToSupervisor, type ToWorker } from "./messages.js";
import { shareOf } from "./share.js";

/** What listens: a server of Hawser's. */
export interface Listener {
  listen(target: ListenTarget): Promise<Listening>;
}

/** What a worker is to close when it ends: a server, or `{ close: async () => { await server.close(); await hub.close(); } }`. */
export interface WorkerEnd {
  close(): unknown;
}

/** This process, as one of several workers. */
export interface Worker {
  /** From 1. */
  readonly id: number;
  readonly count: number;
  /** Has the server listen where all workers do. */
  listen(server: Listener): Promise<Listening>;
  /** A broker on the memory that all workers share, for `createHub`. */
  broker(): Broker;
  /** This worker's part of a limit of all of them; at least 1. 0 stays 0. */
  share(limit: number): number;
  /** What the supervisor is told of this worker each second, and when it ends: something for JSON. */
  report(make: () => unknown): void;
  /** Gets what the supervisor sends by `Supervisor.send`. */
  receive(handler: (message: unknown) => void): void;
}

const BEAT_MS = 1000;
/** How long something else, a timer or a connection of the application's, may keep the process once everything is closed. */
const LINGER_MS = 1000;
const HELLO_MS = 10_000;

let current: Beginning | undefined;

/** Whether this process is a worker: it was started by a supervisor, or by something else that uses `node:cluster`. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

/** A broker on the memory that all workers of this machine share. @throws UsageError where there is no supervisor */
export function workerBroker(): Broker {
  if (current === undefined) throw new UsageError("workerBroker is for workers: in `start` of runWorkers");
  return new WorkerBroker(current.engine);
}

/**
 * Does what a worker has to do: begins when its supervisor says so, ends when that says so or is gone, or on SIGTERM.
 * @param start makes the server, and has it listen
 * @returns the exit code: 1 when the supervisor was gone
 * @throws what `start` does
 */
export async function startWorker(start: (worker: Worker) => Promise<WorkerEnd> | WorkerEnd): Promise<number> {
  const supervisor = cluster.worker;
  if (supervisor === undefined) throw new UsageError("startWorker is for a process that a supervisor has started");
  const end = new Promise<"told" | "orphan">((resolve) => {
    process.on("message", (message: unknown) => {
      if (isOurs(message) && (message as ToWorker).hawser === "drain") resolve("told");
    });
    supervisor.on("disconnect", () => {
      // By itself the process would end here and now.
      supervisor.exitedAfterDisconnect = true;
      resolve("orphan");
    });
    process.on("SIGTERM", () => resolve("told"));
  });
  // A terminal sends these to all processes: what they mean is the supervisor's to say.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  // Nobody may read any longer.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

  try {
    const beginning = await Promise.race([begin(), end]);
    if (typeof beginning === "string") return beginning === "told" ? 0 : 1;
    return await run(beginning, start, end);
  } finally {
    supervisor.exitedAfterDisconnect = true;
    if (process.connected) process.disconnect();
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}

/** Asks what there is to do. */
function begin(): Promise<Beginning> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new UsageError("the process that has started this one is no supervisor of runWorkers"));
    }, HELLO_MS);
    process.on("message", (message: unknown) => {
      if (!isOurs(message) || message.hawser !== "begin") return;
      clearTimeout(timer);
      resolve((message as ToWorker & { hawser: "begin" }).beginning);
    });
    send({ hawser: "hello" });
  });
}

async function run(
  beginning: Beginning,
  start: (worker: Worker) => Promise<WorkerEnd> | WorkerEnd,
  end: Promise<"told" | "orphan">,
): Promise<number> {
  current = beginning;
  const { id, count, place } = beginning;
  let listening: Listening | undefined;
  let report: (() => unknown) | undefined;
  let receive: ((message: unknown) => void) | undefined;
  process.on("message", (message: unknown) => {
    if (isOurs(message) && message.hawser === "message")
      receive?.((message as ToWorker & { hawser: "message" }).message);
  });
  const toClose = await start({
    id,
    count,
    async listen(server) {
      listening = await server.listen(place);
      return listening;
    },
    broker: workerBroker,
    share: (limit) => shareOf(limit, id, count),
    report: (make) => (report = make),
    receive: (handler) => (receive = handler),
  });
  const beat = async (): Promise<void> => send({ hawser: "beat", report: await report?.() });
  await beat();
  send({ hawser: "ready", listening });
  const timer = setInterval(() => void beat(), BEAT_MS);
  const why = await end;
  await toClose.close();
  clearInterval(timer);
  await beat();
  // Its folder is of no use to anybody: it was killed before it could take it away.
  if (why === "orphan") rmSync(dirname(beginning.engine.path), { recursive: true, force: true });
  return why === "told" ? 0 : 1;
}

function send(message: ToSupervisor): void {
  if (process.connected) process.send!(message, undefined, undefined, () => {});
}
