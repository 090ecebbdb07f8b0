/** How two nodes on one engine are measured: what is published at one of them and delivered by the other. Both are one process. */

import {
  AT_ONCE,
  type Bench,
  measureRunning,
  planOf,
  type Round,
  sleep,
  type Subject,
  targetOf,
  text,
} from "./measures.js";
import type { HubPlace, Target } from "./opening.js";

/** Whose clients get what a client of the first node publishes: those of the same, of the second, or of both, so many at each. */
export type Audience = "first" | "second" | "both";

/** A client of the first node publishes in a room, `inFlight` messages at a time. */
export async function measureRelay(
  bench: Bench,
  subject: Subject,
  subscribers: number,
  inFlight: number,
  audience: Audience,
): Promise<Round> {
  const { load } = bench;
  const plan = planOf(subject, { ...relayed, inFlight, shape: { fanOut: subscribers } });
  try {
    const first = targetOf(subject);
    const second = await secondNodeOf(subject);
    const alsoAt = audience === "both" ? second : undefined;
    await load.openFanOut(audience === "second" ? second : first, plan, subscribers, first, alsoAt);
    // The engine has to know of it as well.
    await sleep(300);
    return await measureRunning(bench, subject);
  } finally {
    await load.all("close");
  }
}

/** The first node publishes by itself in a room where nobody is, so many messages at a time. */
export async function measureFlood(
  { seconds, warmUpSeconds }: Bench,
  { server }: Subject,
  inFlight: number,
): Promise<Round> {
  const flood = (forSeconds: number): Promise<unknown> => server.ask("flood", { seconds: forSeconds, inFlight });
  await flood(warmUpSeconds);
  const before = await server.usage();
  const { count, seconds: took } = (await flood(seconds)) as { count: number; seconds: number };
  const after = await server.usage();
  const cpu = after.cpu - before.cpu;
  return {
    rate: count / took,
    cpu: cpu / count,
    kernelShare: (after.kernel - before.kernel) / cpu,
    serverLoad: cpu / (took * 1e6),
    rss: after.rss,
  };
}

/** One message after another at a fixed rate. */
export async function measureRelayAtPace(bench: Bench, subject: Subject, perSecond: number): Promise<Round> {
  const { load } = bench;
  const { batch } = planOf(subject, { ...relayed, inFlight: 1, shape: { fanOut: 1 } });
  try {
    await load.openRelay(targetOf(subject), await secondNodeOf(subject), batch, perSecond);
    await sleep(300);
    return await measureRunning(bench, subject);
  } finally {
    await load.all("close");
  }
}

/** Redis ends all connections to a node that has so many topics: when does it know again where all of them are? */
export async function measureRecovery({ load }: Bench, subject: Subject, topics: number): Promise<Round> {
  const { server, engine } = subject;
  const places = Array.from({ length: topics / MOST_SUBS }, (_, client): HubPlace => {
    const names = Array.from({ length: MOST_SUBS }, (_, at) => `room:${client * MOST_SUBS + at}`);
    return { subs: names.map((name) => [name]) };
  });
  try {
    await load.openIdle(targetOf(subject), places, 1);
    const before = await server.usage();
    const recovery = server.ask("recovery") as Promise<{ milliseconds: number }>;
    await engine!.cut();
    const { milliseconds } = await recovery;
    const after = await server.usage();
    return { recovery: milliseconds, cpu: (after.cpu - before.cpu) / topics, rss: after.rss };
  } finally {
    await load.all("close");
  }
}

/** What so many members of one room cost while nobody comes or goes. */
export async function measureIdlePresence({ load }: Bench, subject: Subject, clients: number): Promise<Round> {
  const { server, engine } = subject;
  try {
    const places = Array.from({ length: clients }, (_, at): HubPlace => ({ token: `user-${at}`, subs: [["crowd:1"]] }));
    await load.openIdle(targetOf(subject), places, AT_ONCE);
    await sleep(SETTLED_MS);
    const [before, changesBefore] = [await server.usage(), await engine!.changes()];
    await sleep(2 * FIVE_SECONDS_MS);
    const [after, changes] = [await server.usage(), await engine!.changes()];
    return {
      changes: (changes - changesBefore) / 2,
      serverLoad: (after.cpu - before.cpu) / (2 * FIVE_SECONDS_MS * 1000),
      rss: after.rss,
    };
  } finally {
    await load.all("close");
  }
}

/** Topics in one hello. */
const MOST_SUBS = 1000;
/** All members are written, and others have been told. */
const SETTLED_MS = 4000;
const FIVE_SECONDS_MS = 5000;

const relayed = { payload: text(64), countsFrames: true, isUnanswered: true } as const;

async function secondNodeOf(subject: Subject): Promise<Target> {
  const { port } = (await subject.server.ask("second")) as { port: number };
  return { ...targetOf(subject), port };
}
