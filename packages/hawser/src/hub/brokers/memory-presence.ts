import type { Clock } from "../../server/base/clock.js";
import type { PresenceEntry, PresenceStore } from "./broker.js";

/** The members that one node has put into one topic, by key. */
type Members = Map<string, PresenceEntry>;

/** Who is where, in this process's memory. */
export class MemoryPresence implements PresenceStore {
  readonly #clock: Clock;
  /** Until when, by node. */
  readonly #leases = new Map<string, number>();
  /** By topic, and in it by node. */
  readonly #topics = new Map<string, Map<string, Members>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  lease(node: string, ttlMs: number): Promise<boolean> {
    const held = this.#isAlive(node);
    if (!held || ttlMs === 0) this.#removeNode(node);
    if (ttlMs > 0) this.#leases.set(node, this.#clock.now() + ttlMs);
    return Promise.resolve(held);
  }

  put(topic: string, entry: PresenceEntry): Promise<void> {
    const nodes = this.#topics.get(topic) ?? new Map<string, Members>();
    const members = nodes.get(entry.node) ?? new Map<string, PresenceEntry>();
    this.#topics.set(topic, nodes.set(entry.node, members.set(entry.key, entry)));
    return Promise.resolve();
  }

  remove(topic: string, node: string, key: string): Promise<void> {
    const nodes = this.#topics.get(topic);
    const members = nodes?.get(node);
    members?.delete(key);
    if (members?.size === 0) nodes?.delete(node);
    if (nodes?.size === 0) this.#topics.delete(topic);
    return Promise.resolve();
  }

  list(topic: string, limit: number): Promise<readonly PresenceEntry[]> {
    const entries: PresenceEntry[] = [];
    for (const members of this.#alive(topic)) {
      for (const entry of members.values()) {
        if (entries.length === limit) return Promise.resolve(entries);
        entries.push(entry);
      }
    }
    return Promise.resolve(entries);
  }

  count(topic: string): Promise<number> {
    return Promise.resolve(this.#alive(topic).reduce((sum, members) => sum + members.size, 0));
  }

  /** The members of the topic, node by node. Those of nodes whose lease has ended are taken away on the way. */
  #alive(topic: string): Members[] {
    for (const node of this.#topics.get(topic)?.keys() ?? []) if (!this.#isAlive(node)) this.#removeNode(node);
    return [...(this.#topics.get(topic)?.values() ?? [])];
  }

  #isAlive(node: string): boolean {
    return (this.#leases.get(node) ?? -Infinity) > this.#clock.now();
  }

  #removeNode(node: string): void {
    this.#leases.delete(node);
    for (const [topic, nodes] of this.#topics) {
      nodes.delete(node);
      if (nodes.size === 0) this.#topics.delete(topic);
    }
  }
}
