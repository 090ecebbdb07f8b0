/** Positions and messages of topics, read as of one moment. */
import type { Position, ReadOptions, StoredHistory, StoredMessage } from "hawser/hub";
import type { Engine } from "./engine.js";
import { type Entry, readEntry } from "./envelope.js";
import { freshWord } from "./fresh.js";
import { type Keys, partitionOf } from "./keys.js";
import { headsScript, readScript, renewScript } from "./scripts.js";

/** Topics in one question for their positions: Redis does nothing else meanwhile, for two milliseconds or so. */
const BATCH = 500;

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[]];

export class Topics {
  readonly #engine: Engine;
  readonly #keys: Keys;
  readonly #onForeign: (where: string) => void;

  constructor(engine: Engine, keys: Keys, onForeign: (where: string) => void) {
    this.#engine = engine;
    this.#keys = keys;
    this.#onForeign = onForeign;
  }

  async read(topic: string, options: ReadOptions): Promise<StoredHistory> {
    const { after, limit, reverse = false } = options;
    const partition = partitionOf(topic);
    const answer = await this.#engine.ask(partition, ({ commands }) =>
      commands.run(readScript, this.#keysOf(partition, topic), [
        freshWord(),
        after === undefined ? "" : after.offset.toFixed(0),
        after?.epoch ?? "",
        limit.toFixed(0),
        reverse ? "1" : "0",
      ]),
    );
    const [epoch, top, stamp, oldest, at, messages] = answer as [
      Buffer,
      number,
      Buffer,
      ...(readonly (readonly RawEntry[])[]),
    ];
    const head = positionOf(epoch, top, stamp);
    if (after !== undefined && after.epoch !== head.epoch) {
      return { head, messages: [], complete: false, diverged: false };
    }
    const entries = (raw: readonly RawEntry[] | undefined): Entry[] => this.#entries(topic, raw ?? [], head.epoch);
    return historyOf(head, entries(oldest)[0], entries(at)[0], entries(messages), options);
  }

  async heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    const positions = new Map<string, Position>();
    await Promise.all(
      [...this.#together(topics)].map(async ([partition, names]) => {
        const answer = await this.#engine.ask(partition, ({ commands }) =>
          commands.run(
            headsScript,
            names.flatMap((name) => this.#keysOf(partitionOf(name), name)),
            names.map(freshWord),
          ),
        );
        const said = answer as readonly (Buffer | number)[];
        for (const [i, name] of names.entries()) {
          const [epoch, top, stamp] = said.slice(i * 3, i * 3 + 3) as [Buffer, number, Buffer];
          positions.set(name, positionOf(epoch, top, stamp));
        }
      }),
    );
    return positions;
  }

  async renew(topic: string, epoch: string): Promise<Position> {
    const partition = partitionOf(topic);
    const answer = await this.#engine.ask(partition, ({ commands }) =>
      commands.run(renewScript, this.#keysOf(partition, topic), [freshWord(), epoch, freshWord()]),
    );
    const [now, top, stamp] = answer as [Buffer, number, Buffer];
    return positionOf(now, top, stamp);
  }

  #keysOf(partition: number, topic: string): [meta: string, stream: string] {
    return [this.#keys.meta(partition, topic), this.#keys.stream(partition, topic)];
  }

  /** Those that one script can ask for. */
  *#together(topics: readonly string[]): Iterable<readonly [partition: number, names: readonly string[]]> {
    const groups = new Map<number, string[]>();
    for (const topic of topics) {
      const group = this.#engine.isSharded ? partitionOf(topic) : 0;
      const names = groups.get(group);
      if (names === undefined) groups.set(group, [topic]);
      else names.push(topic);
    }
    for (const [partition, names] of groups) {
      for (let at = 0; at < names.length; at += BATCH) yield [partition, names.slice(at, at + BATCH)];
    }
  }

  #entries(topic: string, raw: readonly RawEntry[], epoch: string): Entry[] {
    return raw.flatMap(([id, [, value]]) => {
      const entry = value === undefined ? undefined : readEntry(id, value, epoch);
      if (entry === undefined) this.#onForeign(`an entry among the messages of ${topic}`);
      return entry ?? [];
    });
  }
}

function positionOf(epoch: Buffer, top: number, stamp: Buffer): Position {
  return { epoch: epoch.toString("latin1"), offset: top, stamp: top === 0 ? "" : stamp.toString("latin1") };
}

function historyOf(
  head: Position,
  oldest: Entry | undefined,
  at: Entry | undefined,
  entries: readonly Entry[],
  { after, limit, reverse }: ReadOptions,
): StoredHistory {
  const messages: StoredMessage[] = entries.map(({ message }) => message);
  // The newest of those that are gone: who has that one has missed nothing.
  const gone = oldest === undefined ? head : { offset: oldest.message.prev, stamp: oldest.prevStamp };
  if (reverse === true) {
    return { head, messages, complete: messages.length === limit || gone.offset === 0, diverged: false };
  }
  const from = after?.offset ?? 0;
  const diverged = after !== undefined && isElsewhere(after, head, gone, at);
  const whole = upToHole(messages);
  // Of what comes next: somebody may have deleted it, or it is of a form that this version does not read.
  const prev = whole[0]?.prev ?? (limit === 0 ? from : head.offset);
  return { head, messages: whole, complete: !diverged && from >= gone.offset && prev <= from, diverged };
}

/** Who has read these finds out about the hole when reading on. */
function upToHole(messages: readonly StoredMessage[]): readonly StoredMessage[] {
  const end = messages.findIndex(({ prev }, i) => i > 0 && prev !== messages[i - 1]!.offset);
  return end < 0 ? messages : messages.slice(0, end);
}

/** Whether somebody who has `after` has a message that is none of this topic's. */
function isElsewhere(
  after: Position,
  head: Position,
  gone: { readonly offset: number; readonly stamp?: string | undefined },
  at: Entry | undefined,
): boolean {
  if (after.offset < gone.offset) return false;
  if (after.offset > head.offset) return true;
  if (after.offset === 0) return false;
  const there = after.offset === gone.offset ? gone : at?.message;
  return there === undefined || (after.stamp !== undefined && after.stamp !== there.stamp);
}
