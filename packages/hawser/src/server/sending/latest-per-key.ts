import { ownString } from "./own-memory.js";

/** What is added for each message that is found by its key, and once for each key, besides its characters. Measured. */
export const KEYED_BYTES = 48;
const KEY_BYTES = 96;

/** One of the keys that messages wait under. */
export interface Key<Message> {
  readonly name: string;
  readonly cost: number;
  /** How many messages have it, and the newest of them. */
  messages: number;
  latest: Message;
}

interface Keyed<Message> {
  key: Key<Message> | null;
}

/** Which of the messages that wait is the latest of its key: for the overflow policy of that name. */
export class LatestPerKey<Message extends Keyed<Message>> {
  readonly #keys = new Map<string, Key<Message>>();
  readonly #superseded = new Set<Message>();

  /** Messages of which a later one has the same key. */
  get superseded(): ReadonlySet<Message> {
    return this.#superseded;
  }

  latestOf(name: string): Message | undefined {
    return this.#keys.get(name)?.latest;
  }

  /** What one more message of this key adds in memory. */
  costOf(name: string): number {
    return KEYED_BYTES + (this.#keys.has(name) ? 0 : costOfKey(name));
  }

  /** A message comes, the latest of this key. @returns what the key costs, when it is a new one */
  add(message: Message, name: string): number {
    const known = this.#keys.get(name);
    if (known !== undefined) {
      this.#superseded.add(known.latest);
      known.latest = message;
      known.messages++;
      message.key = known;
      return 0;
    }
    const key = { name: ownString(name), cost: costOfKey(name), messages: 1, latest: message };
    this.#keys.set(key.name, key);
    message.key = key;
    return key.cost;
  }

  /**
   * A message leaves or is dropped: the latest of a key is the last of it to go.
   * @returns what its key cost, when no other message has it
   */
  remove(message: Message, key: Key<Message>): number {
    message.key = null;
    this.#superseded.delete(message);
    if (--key.messages > 0) return 0;
    this.#keys.delete(key.name);
    return key.cost;
  }
}

/** Of two bytes a character at most. */
function costOfKey(name: string): number {
  return KEY_BYTES + 2 * name.length;
}
