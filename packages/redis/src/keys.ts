/** Names of keys and channels. */
import { crc32 } from "node:zlib";

/**
 * Topics are spread over so many partitions, whose number stands in braces in each name: what is in one partition is in one slot of a Cluster. So
 * the subscriptions of fifty thousand topics are 128 commands there, and not fifty thousand. It never changes: nodes of all versions have to agree.
 */
export const PARTITIONS = 128;

/** Slots of a Cluster. */
export const SLOTS = 16_384;

export function partitionOf(name: string): number {
  return crc32(name) % PARTITIONS;
}

/** What a channel carries: the messages of a topic, what all nodes are told, what one node is told, a probe of one connection. */
export type ChannelKind = "topic" | "all" | "node" | "probe";

const LETTERS: Readonly<Record<ChannelKind, string>> = { topic: "c", all: "a", node: "n", probe: "o" };
const KINDS: ReadonlyMap<string, ChannelKind> = new Map(
  Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as ChannelKind]),
);

/** What the name of a channel says. */
export interface Named {
  readonly kind: ChannelKind;
  /** Anything, where it is none of ours. */
  readonly partition: number;
  readonly name: string;
}

/** The names of one deployment: what has another prefix is not seen. */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `${prefix}:{`;
  }

  /** Epoch, newest offset and stamp of a topic: a hash. */
  meta(partition: number, topic: string): string {
    return `${this.#prefix}${partition}}:m:${topic}`;
  }

  /** The messages of a topic: a stream. */
  stream(partition: number, topic: string): string {
    return `${this.#prefix}${partition}}:s:${topic}`;
  }

  /** A key that a topic was published with: a string. Names have no line breaks, so that two pairs never make one key. */
  published(partition: number, topic: string, key: string): string {
    return `${this.#prefix}${partition}}:k:${topic}\n${key}`;
  }

  /** No key ever has this name: a write to it does nothing, and is refused where nothing may be written. */
  nothing(partition: number): string {
    return `${this.#prefix}${partition}}:0`;
  }

  /** The nodes that have members in a topic, with the name of their lease: a hash. */
  nodes(partition: number, topic: string): string {
    return `${this.#prefix}${partition}}:n:${topic}`;
  }

  /** The members that one lease has in a topic: a hash. */
  members(partition: number, topic: string, lease: string): string {
    return `${this.#prefix}${partition}}:p:${lease}:${topic}`;
  }

  /** The lease of a node: a string. */
  lease(partition: number, node: string): string {
    return `${this.#prefix}${partition}}:l:${node}`;
  }

  channel(kind: ChannelKind, partition: number, name = ""): string {
    return `${this.#prefix}${partition}}:${LETTERS[kind]}:${name}`;
  }

  /** The other way round. @returns undefined for what is none of these channels */
  nameOf(channel: string): Named | undefined {
    const end = channel.indexOf("}:", this.#prefix.length);
    if (end < 0 || !channel.startsWith(this.#prefix) || channel[end + 3] !== ":") return undefined;
    const kind = KINDS.get(channel[end + 2]!);
    const partition = Number(channel.slice(this.#prefix.length, end));
    return kind === undefined ? undefined : { kind, partition, name: channel.slice(end + 4) };
  }
}

/** The slot of a partition in a Cluster: CRC16 (XMODEM) of what stands in the braces. */
export function slotOf(partition: number): number {
  let crc = 0;
  for (const character of String(partition)) {
    crc ^= character.charCodeAt(0) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
