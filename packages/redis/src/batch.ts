/** Publishes that go to Redis together, as one argument of one script: each argument more costs this process and Redis more than its bytes. */
import type { Published } from "hawser/hub";
import { type Content, roomForBody, writeBody } from "./envelope.js";
import { LARGEST_OFFSET } from "./scripts.js";

/** Which topic, size, for how long, which key, length of the body. */
const HEAD = 2 + 6 + 6 + 2 + 4;
/** An answer without its epoch: offset, whether it was there, length of the epoch. */
const ANSWER_HEAD = 6 + 1 + 4;
/** Room to begin with: it doubles from here on. */
const FIRST_ROOM = 1024;
/** A publish is never kept for more messages or for longer, in milliseconds: that and the time of day together are a number of the scripts'. */
const LARGEST = LARGEST_OFFSET / 2;

interface Waiting {
  readonly resolve: (published: Published) => void;
  readonly reject: (error: Error) => void;
}

/** How a publish is kept: for no messages where it is not. */
export interface Keeping {
  readonly size: number;
  readonly ttlMs: number;
}

/** Where the publishes of a topic go. */
export interface Place {
  readonly meta: string;
  readonly stream: string;
}

export class Batch {
  /** The partition of the first of them. */
  readonly partition: number;
  /** Each has a number, from 1 on. */
  readonly #topics = new Map<string, number>();
  readonly #places: string[] = [];
  readonly #published: string[] = [];
  readonly #waiting: Waiting[] = [];
  #buffer = Buffer.allocUnsafe(FIRST_ROOM);
  #length = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  /** @param nothing a key that is never there */
  keys(nothing: string): string[] {
    return [nothing, ...this.#places, ...this.#published];
  }

  get channels(): Iterable<string> {
    return this.#topics.keys();
  }

  get size(): number {
    return this.#waiting.length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /**
   * @param placeOf asked once for each channel
   * @param key that the publish is remembered by
   */
  add(
    channel: string,
    placeOf: () => Place,
    key: string | undefined,
    { size, ttlMs }: Keeping,
    content: Content,
  ): Promise<Published> {
    const at = this.#length;
    this.#makeRoom(HEAD + roomForBody(content));
    const buffer = this.#buffer;
    const bodyAt = at + HEAD;
    const end = writeBody(buffer, bodyAt, content);
    buffer.writeUInt16BE(this.#topics.get(channel) ?? this.#addTopic(channel, placeOf()), at);
    buffer.writeUIntBE(whole(size), at + 2, 6);
    buffer.writeUIntBE(whole(ttlMs), at + 8, 6);
    buffer.writeUInt16BE(key === undefined ? 0 : this.#published.push(key), at + 14);
    buffer.writeUInt32BE(end - bodyAt, at + 16);
    this.#length = end;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** What the script says of each. */
  answered(answers: Buffer): void {
    let at = 0;
    for (const { resolve } of this.#waiting) {
      const end = at + ANSWER_HEAD + answers.readUInt32BE(at + 7);
      const epoch = answers.toString("latin1", at + ANSWER_HEAD, end);
      resolve({ epoch, offset: answers.readUIntBE(at, 6), duplicate: answers[at + 6] === 1 });
      at = end;
    }
  }

  failed(error: Error): void {
    for (const { reject } of this.#waiting) reject(error);
  }

  #addTopic(channel: string, { meta, stream }: Place): number {
    const number = this.#topics.size + 1;
    this.#topics.set(channel, number);
    this.#places.push(meta, stream);
    return number;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}

function whole(number: number): number {
  return Math.min(Math.ceil(number), LARGEST);
}
