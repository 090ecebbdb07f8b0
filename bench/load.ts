/** The load generator as the workloads see it: its threads, and what they do together. */

import { once } from "node:events";
import { createHistogram } from "node:perf_hooks";
import { Worker } from "node:worker_threads";
import type { Answer, OpenGroups, Outcome, Request } from "./generator.js";
import type { GroupPlan } from "./groups.js";
import type { Place, Target } from "./opening.js";

export class Load {
  readonly #threads: readonly Worker[];
  /** A thread of its own, so that what the load costs the generator is not taken for the server's. */
  readonly #bystander: Worker = new Worker(new URL("generator.js", import.meta.url));

  constructor(threads: number) {
    this.#threads = Array.from({ length: threads }, () => new Worker(new URL("generator.js", import.meta.url)));
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** Groups that live in one thread each: echoing clients (`perGroup` 1, path /echo) or rooms. */
  async openGroups(target: Target, plan: GroupPlan, paths: readonly (readonly string[])[]): Promise<void> {
    await this.#each(spread(paths, this.threads), (own) => ({
      do: "groups",
      target,
      plan,
      groups: own.map((members) => ({ members, publishers: null })),
      shared: null,
    }));
  }

  /**
   * One group over all threads. Each has a publisher: whoever has got the last message sends the next one.
   * @param alsoAt another node, which has as many subscribers
   */
  async openFanOut(
    target: Target,
    plan: GroupPlan,
    subscribers: number,
    publishTo: Target = target,
    alsoAt?: Target,
  ): Promise<void> {
    const paths = Array.from({ length: subscribers }, () => "/room/1");
    const shares = spread(paths, this.threads).filter((share) => share.length > 0);
    const waiting = new SharedArrayBuffer(8);
    Atomics.store(new Int32Array(waiting), 0, shares.length);
    const shared: OpenGroups["shared"] = {
      waiting,
      sentAt: new SharedArrayBuffer(8),
      threads: shares.length,
    };
    await this.#each(shares, (members) => ({
      do: "groups",
      target,
      publishTo,
      alsoAt,
      plan,
      groups: [{ members, publishers: ["/publish/1"] }],
      shared,
    }));
  }

  async openPaced(
    target: Target,
    frame: Buffer,
    replyBytes: number,
    clients: number,
    perSecond: number,
  ): Promise<void> {
    const paths = Array.from({ length: clients }, () => "/echo");
    await this.#each(spread(paths, this.threads), (own) => ({
      do: "paced",
      target,
      paths: own,
      frame,
      replyBytes,
      perSecond: (perSecond * own.length) / clients,
    }));
  }

  /** A publisher at one node and a subscriber at another. */
  async openRelay(from: Target, to: Target, frame: Buffer, perSecond: number): Promise<void> {
    await this.#each([0], () => ({ do: "relay", from, to, frame, perSecond }));
  }

  /** Opens idle clients, at most so many at a time. @returns what it took until each was in */
  async openIdle(target: Target, places: readonly Place[], atOnce: number): Promise<Outcome> {
    const perThread = Math.ceil(atOnce / this.threads);
    return merge(
      await this.#each(spread(places, this.threads), (own) => ({ do: "idle", target, places: own, atOnce: perThread })),
    );
  }

  /** Has all idle clients of a hub join one topic in this time, and waits until nothing more is said to them. */
  async joinCrowd(topic: string, withinMs: number): Promise<Outcome> {
    return merge(await this.#each(this.#threads, () => ({ do: "crowd", topic, withinMs })));
  }

  /** So many clients flood, and one beside them asks. @returns how long it waited */
  async askBeside(
    target: Target,
    flood: { readonly clients: number; readonly bytes: Buffer },
    question: Buffer,
    replyBytes: number | null,
    seconds: number,
  ): Promise<Outcome> {
    const paths = Array.from({ length: flood.clients }, () => "/echo");
    const shares = spread(paths, this.threads).filter((share) => share.length > 0);
    try {
      await this.#each(shares, (own) => ({ do: "flood", target, paths: own, bytes: flood.bytes }));
      await this.#each([0], () => ({ do: "ask", target, question, replyBytes }), [this.#bystander]);
      await this.all("start");
      // Until the server has enough to do.
      await new Promise((done) => setTimeout(done, 100));
      await this.#each([0], () => ({ do: "begin" }), [this.#bystander]);
      await new Promise((done) => setTimeout(done, seconds * 1000));
      return merge(await this.#each([0], () => ({ do: "end" }), [this.#bystander]));
    } finally {
      await this.#each([0], () => ({ do: "close" }), [this.#bystander]);
      await this.all("close");
    }
  }

  async all(what: "start" | "begin" | "close"): Promise<void> {
    await this.#each(this.#threads, () => ({ do: what }));
  }

  async end(): Promise<Outcome> {
    return merge(await this.#each(this.#threads, () => ({ do: "end" })));
  }

  async terminate(): Promise<void> {
    await Promise.all([...this.#threads, this.#bystander].map((thread) => thread.terminate()));
  }

  /** Gives one request to each thread that has a share. */
  async #each<T>(
    shares: readonly T[],
    request: (share: T) => Request,
    threads: readonly Worker[] = this.#threads,
  ): Promise<Outcome[]> {
    const answers = await Promise.all(
      shares.map(async (share, at) => {
        const thread = threads[at]!;
        thread.postMessage(request(share));
        const [answer] = (await once(thread, "message")) as [Answer];
        return answer;
      }),
    );
    for (const { error } of answers) if (error !== undefined) throw new Error(error);
    return answers.flatMap(({ result }) => (result === undefined ? [] : [result]));
  }
}

function spread<T>(items: readonly T[], shares: number): T[][] {
  return Array.from({ length: shares }, (_, share) => items.filter((_item, at) => at % shares === share));
}

function merge(outcomes: readonly Outcome[]): Outcome {
  const latency = createHistogram();
  for (const outcome of outcomes) latency.add(outcome.latency);
  return {
    messages: outcomes.reduce((sum, { messages }) => sum + messages, 0),
    milliseconds: Math.max(...outcomes.map(({ milliseconds }) => milliseconds)),
    latency,
    crowd: {
      frames: outcomes.reduce((sum, { crowd }) => sum + (crowd?.frames ?? 0), 0),
      mostFrames: Math.max(...outcomes.map(({ crowd }) => crowd?.mostFrames ?? 0)),
      bytes: outcomes.reduce((sum, { crowd }) => sum + (crowd?.bytes ?? 0), 0),
    },
  };
}
