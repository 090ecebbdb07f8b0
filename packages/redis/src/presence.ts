/** Who is where. A node has one lease, and its members are those that stand under the name of that lease. */
import type { PresenceEntry, PresenceStore } from "hawser/hub";
import type { Engine } from "./engine.js";
import { brokerErrorOf } from "./faults.js";
import { freshWord } from "./fresh.js";
import { type Keys, partitionOf } from "./keys.js";
import type { Link } from "./link.js";
import { clearScript, endLeaseScript, enterScript, leaseScript, leaveScript, membersScript } from "./scripts.js";

/** What a topic's members take is given back after so long, if all their nodes were lost and nobody has looked since. */
const LAST_MS = 7_200_000;
/** The node tells Redis so often that its members are still there: one write for each topic. */
const REFRESH_MS = 1_800_000;

interface Lease {
  /**
   * Members are under this name, and not under that of the node: who lets its lease end has no members then, and those that it puts afterwards are
   * under another name.
   */
  name: string;
  /** Redis has answered with this name. */
  isHeld: boolean;
  /** When Redis was last told that there are members in a topic. */
  readonly topics: Map<string, number>;
}

export class Presence implements PresenceStore {
  readonly #engine: Engine;
  readonly #keys: Keys;
  readonly #now: () => number;
  readonly #leases = new Map<string, Lease>();

  constructor(engine: Engine, keys: Keys, now: () => number) {
    this.#engine = engine;
    this.#keys = keys;
    this.#now = now;
  }

  async lease(node: string, ttlMs: number): Promise<boolean> {
    const lease = this.#leaseOf(node);
    const partition = partitionOf(node);
    const key = [this.#keys.lease(partition, node)];
    if (ttlMs === 0) {
      this.#leases.delete(node);
      const ended = await this.#ask(partition, ({ commands }) => commands.run(endLeaseScript, key, [lease.name]));
      return ended === 1;
    }
    const next = lease.isHeld ? freshWord() : lease.name;
    const answer = await this.#ask(partition, ({ commands }) =>
      commands.run(leaseScript, key, [lease.name, next, String(Math.ceil(ttlMs))]),
    );
    const [held, name] = answer as [number, Buffer];
    lease.isHeld = true;
    if (lease.name !== name.toString()) {
      lease.name = name.toString();
      lease.topics.clear();
    }
    await this.#refresh(lease);
    return held === 1;
  }

  async put(topic: string, { node, key, info }: PresenceEntry): Promise<void> {
    const lease = this.#leaseOf(node);
    const partition = partitionOf(topic);
    lease.topics.set(topic, this.#now());
    await this.#ask(partition, ({ commands }) =>
      commands.run(enterScript, this.#keysOf(partition, topic, lease.name), [
        node,
        lease.name,
        key,
        info === undefined ? "" : `=${info}`,
        String(LAST_MS),
      ]),
    );
  }

  async remove(topic: string, node: string, key: string): Promise<void> {
    const lease = this.#leaseOf(node);
    const partition = partitionOf(topic);
    const { name } = lease;
    const left = await this.#ask(partition, ({ commands }) =>
      commands.run(leaveScript, this.#keysOf(partition, topic, name), [node, name, key]),
    );
    if (left === 0 && name === lease.name) lease.topics.delete(topic);
  }

  async list(topic: string, limit: number): Promise<readonly PresenceEntry[]> {
    const partition = partitionOf(topic);
    const nodes = await this.#nodes(partition, topic);
    if (nodes.length === 0) return [];
    const answer = await this.#ask(partition, ({ commands }) =>
      commands.run(
        membersScript,
        nodes.map(({ lease }) => this.#keys.members(partition, topic, lease)),
        [String(limit)],
      ),
    );
    const entries = (answer as readonly (readonly Buffer[])[]).flatMap((fields, i) =>
      membersOf(nodes[i]!.node, fields),
    );
    return entries.slice(0, limit);
  }

  async count(topic: string): Promise<number> {
    const partition = partitionOf(topic);
    const nodes = await this.#nodes(partition, topic);
    const counts = await Promise.all(
      nodes.map(({ lease }) =>
        this.#ask(partition, ({ commands }) => commands.command(["HLEN", this.#keys.members(partition, topic, lease)])),
      ),
    );
    return counts.reduce<number>((sum, count) => sum + Number(count), 0);
  }

  /** The nodes that have members in a topic and hold their lease. What others left there is cleared away. */
  async #nodes(partition: number, topic: string): Promise<{ readonly node: string; readonly lease: string }[]> {
    const answer = await this.#ask(partition, ({ commands }) =>
      commands.command(["HGETALL", this.#keys.nodes(partition, topic)]),
    );
    const nodes = textPairs(answer).map(([node, said]) => ({ node, lease: said.split(" ", 1)[0]! }));
    const held = await Promise.all(
      nodes.map(({ node }) =>
        this.#ask(
          partitionOf(node),
          ({ commands }) =>
            commands.command(["GET", this.#keys.lease(partitionOf(node), node)]) as Promise<Buffer | null>,
        ),
      ),
    );
    return nodes.filter(({ node, lease }, i) => {
      const isHeld = held[i]?.toString() === lease;
      if (!isHeld) this.#clear(partition, topic, node, lease);
      return isHeld;
    });
  }

  #clear(partition: number, topic: string, node: string, lease: string): void {
    const keys = this.#keysOf(partition, topic, lease);
    this.#ask(partition, ({ commands }) => commands.run(clearScript, keys, [node, lease])).catch(() => {});
  }

  /** Members that stay for hours do not leave because nobody else comes. */
  async #refresh(lease: Lease): Promise<void> {
    const now = this.#now();
    const due = [...lease.topics].filter(([, at]) => now - at >= REFRESH_MS);
    await Promise.all(
      due.map(async ([topic]) => {
        lease.topics.set(topic, now);
        const partition = partitionOf(topic);
        for (const key of this.#keysOf(partition, topic, lease.name)) {
          await this.#ask(partition, ({ commands }) => commands.command(["PEXPIRE", key, String(LAST_MS)]));
        }
      }),
    );
  }

  #leaseOf(node: string): Lease {
    const lease = this.#leases.get(node) ?? { name: freshWord(), isHeld: false, topics: new Map() };
    this.#leases.set(node, lease);
    return lease;
  }

  #keysOf(partition: number, topic: string, lease: string): [nodes: string, members: string] {
    return [this.#keys.nodes(partition, topic), this.#keys.members(partition, topic, lease)];
  }

  async #ask<Value>(partition: number, ask: (link: Link) => Promise<Value>): Promise<Value> {
    try {
      return await this.#engine.ask(partition, ask);
    } catch (error) {
      throw brokerErrorOf(error);
    }
  }
}

function membersOf(node: string, fields: readonly Buffer[]): PresenceEntry[] {
  return textPairs(fields).map(([key, details]) => ({
    node,
    key,
    info: details.startsWith("=") ? details.slice(1) : undefined,
  }));
}

/** A hash, which comes as a map, an object or a list. */
function textPairs(answer: unknown): [string, string][] {
  if (Array.isArray(answer)) {
    return answer.flatMap((name, i) =>
      i % 2 === 0 ? [[String(name), String(answer[i + 1])] as [string, string]] : [],
    );
  }
  const entries = answer instanceof Map ? [...answer] : Object.entries(answer as object);
  return entries.map(([name, value]) => [String(name), String(value)]);
}
