import { randomBytes } from "node:crypto";
import type { PresenceEntry } from "hawser/hub";
import { type Names, nameOf } from "./names.js";
import { answerOf, type Requests } from "./requests.js";
import { Store } from "./store.js";
import type { Entry } from "./stored.js";

interface Lease {
  /** Drawn anew whenever a node begins to be there: what it wrote before is not of this time. */
  readonly word: string;
  readonly ttlMs: number;
}

/** A member, and the word of the lease under which it was put. */
interface Member {
  readonly word: string;
  readonly info?: string | undefined;
}

/** Who is where, on one connection: a subject for each member, and one for each node, which has its lease. */
export class Members {
  readonly #requests: Requests;
  readonly #names: Names;
  readonly #store: Store;
  readonly #now: () => number;
  /** Leases that are under way. */
  readonly #leasing = new Map<string, Promise<boolean>>();
  /** The leases of the nodes that write here, which may be of connections before this one. */
  readonly #words: Map<string, string>;

  /** @param now by the server's clock */
  constructor(requests: Requests, names: Names, isReplicated: boolean, words: Map<string, string>, now: () => number) {
    this.#requests = requests;
    this.#names = names;
    this.#store = new Store(requests, names.members, isReplicated);
    this.#words = words;
    this.#now = now;
  }

  lease(node: string, ttlMs: number): Promise<boolean> {
    const leasing = this.#lease(node, ttlMs).finally(() => {
      if (this.#leasing.get(node) === leasing) this.#leasing.delete(node);
    });
    this.#leasing.set(node, leasing);
    return leasing;
  }

  async #lease(node: string, ttlMs: number): Promise<boolean> {
    const until = this.#requests.deadline();
    const held = await this.#leaseOf(node, until);
    const word = held?.word ?? randomBytes(8).toString("base64url");
    if (held === undefined || ttlMs === 0) await this.#purge({ filter: this.#names.membersOn(node) }, until);
    await this.#write(this.#names.lease(node), { word, ttlMs }, until);
    this.#words.set(node, word);
    return held !== undefined;
  }

  async put(topic: string, { node, key, info }: PresenceEntry): Promise<void> {
    // A member belongs to the lease that was asked for before it.
    await this.#leasing.get(node);
    const member: Member = { word: this.#words.get(node) ?? "", info };
    await this.#write(this.#names.member(topic, node, key), member, this.#requests.deadline());
  }

  async remove(topic: string, node: string, key: string): Promise<void> {
    await this.#purge({ filter: this.#names.member(topic, node, key) }, this.#requests.deadline());
  }

  async list(topic: string, limit: number): Promise<readonly PresenceEntry[]> {
    const until = this.#requests.deadline();
    const found = await this.#store.from(this.#names.membersOf(topic), 1, () => false, 0, until);
    const byNode = new Map<string, Entry[]>();
    for (const entry of found) {
      const node = nameOf(entry.subject.split(".")[2] ?? "");
      if (node === undefined) continue;
      const entries = byNode.get(node);
      if (entries === undefined) byNode.set(node, [entry]);
      else entries.push(entry);
    }
    const ofNodes = await Promise.all([...byNode].map(([node, entries]) => this.#alive(node, entries, until)));
    return ofNodes.flat().slice(0, limit);
  }

  async count(topic: string): Promise<number> {
    return (await this.list(topic, Infinity)).length;
  }

  /** Those of a node that are there. What a node has left behind is taken away. */
  async #alive(node: string, entries: readonly Entry[], until: number): Promise<PresenceEntry[]> {
    const lease = await this.#leaseOf(node, until);
    if (lease === undefined) {
      // Not those that it has put meanwhile.
      const what = { filter: this.#names.membersOn(node), seq: entries.at(-1)!.seq + 1 };
      this.#purge(what, until).catch(() => {});
      return [];
    }
    return entries.flatMap((entry) => {
      const { word, info } = readJson(entry.bytes);
      const key = nameOf(entry.subject.split(".")[4] ?? "");
      if (word !== lease.word || key === undefined) return [];
      return [{ node, key, info: typeof info === "string" ? info : undefined }];
    });
  }

  async #leaseOf(node: string, until: number): Promise<Lease | undefined> {
    const entry = await this.#store.newest(this.#names.lease(node), until);
    if (entry === undefined) return undefined;
    const { word, ttlMs } = readJson(entry.bytes);
    const isHeld = typeof word === "string" && typeof ttlMs === "number" && entry.at + ttlMs > this.#now();
    return isHeld ? { word, ttlMs } : undefined;
  }

  async #write(subject: string, what: Lease | Member, until: number): Promise<void> {
    answerOf(await this.#requests.ask(subject, JSON.stringify(what), { until }));
  }

  async #purge(what: object, until: number): Promise<void> {
    await this.#requests.api(`STREAM.PURGE.${this.#names.members}`, what, until);
  }
}

/** What stands there, nothing if no node wrote it. */
function readJson(bytes: Uint8Array): Partial<Record<keyof (Lease & Member), unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
