import type { Broker, Position, StoredMessage } from "./brokers/broker.js";

export interface PageWish {
  /** The messages before this offset; left out, the newest. */
  readonly before?: number | undefined;
  /** The epoch of this offset; left out, the one that holds now. */
  readonly epoch?: string | undefined;
  readonly limit: number;
}

export interface AfterWish {
  readonly after: number;
  /** The epoch of this offset; left out, the one that holds now. */
  readonly epoch?: string | undefined;
  readonly limit: number;
}

/** Stored messages of a topic, oldest first. */
export interface Page {
  /** The newest position of the topic. */
  readonly position: Position;
  readonly messages: readonly StoredMessage[];
  /** There are more: before them, or after them where those after an offset were asked for. */
  readonly more: boolean;
  /** The epoch is another one by now: there is nothing to go back from. */
  readonly missed: boolean;
}

export async function readPage(broker: Broker, topic: string, { before, epoch, limit }: PageWish): Promise<Page> {
  const end = before === undefined ? undefined : { offset: before, epoch: epoch ?? (await epochOf(broker, topic)) };
  const { head, messages } = await broker.read(topic, { after: end, limit: limit + 1, reverse: true });
  const missed = (end?.epoch ?? epoch ?? head.epoch) !== head.epoch;
  return {
    position: { offset: head.offset, epoch: head.epoch },
    messages: missed ? [] : messages.slice(0, limit).toReversed(),
    more: !missed && messages.length > limit,
    missed,
  };
}

/** The messages after an offset. `missed`: some of them are gone, and then there are none. */
export async function readAfter(broker: Broker, topic: string, { after, epoch, limit }: AfterWish): Promise<Page> {
  const begin = { offset: after, epoch: epoch ?? (await epochOf(broker, topic)) };
  const { head, messages, complete } = await broker.read(topic, { after: begin, limit });
  const page = complete ? messages : [];
  return {
    position: { offset: head.offset, epoch: head.epoch },
    messages: page,
    // Not up to the newest, though there is room: something is missing there, which is said to whoever goes on.
    more: complete && (page.at(-1)?.offset ?? after) < head.offset,
    missed: !complete,
  };
}

async function epochOf(broker: Broker, topic: string): Promise<string> {
  const heads = await broker.heads([topic]);
  return heads.get(topic)?.epoch ?? "";
}
