/** How what only a hub can do is measured: one server, one round. */

import {
  AT_ONCE,
  type Bench,
  coresOf,
  measureMemory,
  measureStorm,
  type Round,
  roundOf,
  sleep,
  type Subject,
  targetOf,
} from "./measures.js";
import type { HubPlace } from "./opening.js";

export interface Return {
  readonly clients: number;
  readonly topics: number;
  /** Messages of its topic that each client has missed. */
  readonly missed: number;
}

/**
 * All clients are cut at once, and come back to another node, which knows nothing of their topics: each is in when it has every message that it
 * missed. Of a server without a hub: what the bare handshakes of so many take.
 */
export async function measureReturn(bench: Bench, subject: Subject, plan: Return): Promise<Round> {
  const { load } = bench;
  const { server } = subject;
  const { clients, topics, missed } = plan;
  if (subject.name === "hawser") return measureStorm(bench, subject, clients);
  const names = Array.from({ length: topics }, (_, at) => `room:${at}`);
  const placesOf = (place: (name: string) => HubPlace): HubPlace[] =>
    Array.from({ length: clients }, (_, at) => place(names[at % topics]!));
  try {
    await load.openIdle(
      targetOf(subject),
      placesOf((name) => ({ subs: [[name]] })),
      AT_ONCE,
    );
    const positions = (await server.ask("positions", names)) as Record<string, { offset: number; epoch: string }>;
    await load.all("close");
    await untilNobodyIs(subject, "first");
    await server.ask("publish", { names, count: missed, bytes: 64 });
    const { port } = (await server.ask("second")) as { port: number };
    const places = placesOf((name) => {
      const { offset, epoch } = positions[name]!;
      return { subs: [[name, offset, epoch]], missed };
    });
    const before = await server.usage();
    const generatorBefore = process.cpuUsage();
    const outcome = await load.openIdle({ ...targetOf(subject), port }, places, AT_ONCE);
    const generator = process.cpuUsage(generatorBefore);
    const after = await server.usage();
    const { second: reads } = (await server.ask("reads")) as { second: number };
    return {
      ...roundOf(outcome, before, after),
      peakRss: after.peakRss,
      reads,
      generatorLoad: coresOf(generator, outcome) / load.threads,
    };
  } finally {
    await load.all("close");
  }
}

/** After so long a session has dropped what it had for the requests that it made last: after half of `pingMs`. */
const QUIET_AFTER_MS = 13_000;

/** Each hub client is in a topic of all, in one of a hundred and in one of a thousand. */
export function measureHubMemory(bench: Bench, subject: Subject, clients: number): Promise<Round> {
  if (subject.name !== "hub") return measureMemory(bench, subject, clients);
  const place = (_: unknown, at: number): HubPlace => ({
    token: `user-${at}`,
    subs: [["room:all"], [`room:team-${at % 100}`], [`room:group-${at % 1000}`]],
  });
  return measureMemory(bench, subject, clients, Array.from({ length: clients }, place), QUIET_AFTER_MS);
}

/** Clients that are connected already join one room in a second. */
export async function measureCrowd({ load }: Bench, subject: Subject, clients: number): Promise<Round> {
  const { server } = subject;
  try {
    const places = Array.from({ length: clients }, (_, at): HubPlace => ({ token: `user-${at}`, subs: [] }));
    await load.openIdle(targetOf(subject), places, AT_ONCE);
    const before = await server.usage();
    const generatorBefore = process.cpuUsage();
    const outcome = await load.joinCrowd("crowd:1", 1000);
    const generator = process.cpuUsage(generatorBefore);
    const after = await server.usage();
    const { frames, mostFrames, bytes } = outcome.crowd!;
    return {
      cpu: (after.cpu - before.cpu) / clients,
      kernelShare: (after.kernel - before.kernel) / (after.cpu - before.cpu),
      frames: frames / clients,
      mostFrames,
      bytesPerClient: bytes / clients,
      peakRss: after.peakRss,
      generatorLoad: coresOf(generator, outcome) / load.threads,
    };
  } finally {
    await load.all("close");
  }
}

/** The server has seen that all are gone. */
async function untilNobodyIs({ server }: Subject, node: "first" | "second"): Promise<void> {
  for (;;) {
    const sessions = (await server.ask("sessions")) as Record<typeof node, number>;
    if (sessions[node] === 0) return;
    await sleep(20);
  }
}
