/** What this node listens to. It outlives connections: what is here is subscribed again on a new one. */
import { type Keys, PARTITIONS, partitionOf } from "./keys.js";

export class Wanted {
  readonly #keys: Keys;
  readonly #node: string;
  readonly #probe: string;
  readonly #topics: readonly Set<string>[] = Array.from({ length: PARTITIONS }, () => new Set());
  /** Topics whose subscription is not confirmed yet, with the request that asks for it. */
  readonly #asked = new Map<string, object>();

  /** @param probe the name of the channels on which this broker hears itself */
  constructor(keys: Keys, node: string, probe: string) {
    this.#keys = keys;
    this.#node = node;
    this.#probe = probe;
  }

  /** @param request that `confirmed` is called with */
  add(partition: number, topic: string, request: object): void {
    if (this.#topics[partition]!.has(topic)) return;
    this.#topics[partition]!.add(topic);
    this.#asked.set(topic, request);
  }

  /** What the request asked for is there, or will be on the next connection. */
  confirmed(topics: readonly string[], request: object): void {
    for (const topic of topics) if (this.#asked.get(topic) === request) this.#asked.delete(topic);
  }

  remove(partition: number, topic: string): void {
    this.#topics[partition]!.delete(topic);
  }

  /** Whether a message of the topic is to be passed on: one from before the subscription may still be under way from an earlier one. */
  takes(partition: number, topic: string): boolean {
    return this.#topics[partition]?.has(topic) === true && (this.#asked.size === 0 || !this.#asked.has(topic));
  }

  /** All channels of a partition, in pieces that are put together when they are asked for: topics come and go meanwhile. */
  *channels(partition: number, hasProbe: boolean, size: number): Iterable<readonly string[]> {
    const own: string[] = [];
    if (hasProbe) own.push(this.#keys.channel("probe", partition, this.#probe));
    if (partition === 0) own.push(this.#keys.channel("all", 0));
    if (partition === partitionOf(this.#node)) own.push(this.#keys.channel("node", partition, this.#node));
    if (own.length > 0) yield own;
    let piece: string[] = [];
    for (const topic of this.#topics[partition]!) {
      piece.push(this.#keys.channel("topic", partition, topic));
      if (piece.length < size) continue;
      yield piece;
      piece = [];
    }
    if (piece.length > 0) yield piece;
  }
}
