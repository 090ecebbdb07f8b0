import { type Member, type Presence as Told, writePresence } from "@hawser/wire/server";
import type { PresenceEntry } from "../brokers/broker.js";
import { SharedText } from "../shared-text.js";

/** Who is told of changes. */
export interface Watcher {
  /** @returns whether there was room */
  offerShared(text: SharedText): boolean;
}

/** Somebody on this node, by key. */
export interface LocalMember {
  readonly connections: Set<object>;
  /** Connections that were lost, and count for a while. */
  leaving: number;
  details: string | undefined;
}

/** Names are told again when their number has sunk so far below the most, and not with each that goes and comes. */
const BACK_BELOW = 0.75;

/** A topic's members: those of this node, and what its watchers were told of all. No I/O, no clock. */
export class PresenceTopic {
  readonly name: string;
  readonly #most: number;
  readonly #countOnly: boolean;
  /** Those of this node. */
  readonly local: Map<string, LocalMember> = new Map();
  /** Who is told names, and who numbers alone. */
  readonly #named = new Set<Watcher>();
  readonly #counted = new Set<Watcher>();
  /** Had no room for what they should have been told. */
  readonly #behind = new Set<Watcher>();
  /** What was told last: names with details, or null where they are too many. */
  #names: ReadonlyMap<string, string | undefined> | null = null;
  #n = 0;
  #version = 0;
  /** What was told is true, give or take what waits to be told. */
  isKnown = false;
  /** When changes are to be told next, Infinity when there are none; and when some were told last. */
  tellAt: number = Infinity;
  toldAt: number = -Infinity;

  constructor(name: string, most: number, countOnly: boolean) {
    this.name = name;
    this.#most = most;
    this.#countOnly = countOnly;
  }

  get isWatched(): boolean {
    return this.#named.size + this.#counted.size > 0;
  }

  get isEmpty(): boolean {
    return this.local.size === 0 && !this.isWatched;
  }

  /** @returns whether the node has to say so: a key that was not here, or other details */
  enter(key: string, connection: object, details: string | undefined): boolean {
    const member = this.local.get(key);
    if (member === undefined) {
      this.local.set(key, { connections: new Set([connection]), leaving: 0, details });
      return true;
    }
    member.connections.add(connection);
    const isChanged = member.details !== details;
    member.details = details;
    return isChanged;
  }

  /** @returns whether the connection was counted, and whether the key is gone with it */
  leave(key: string, connection: object, isLost: boolean): { wasHere: boolean; isGone: boolean } {
    const member = this.local.get(key);
    if (member?.connections.delete(connection) !== true) return { wasHere: false, isGone: false };
    if (isLost) member.leaving++;
    return { wasHere: true, isGone: this.#settle(key, member) };
  }

  /** The grace of a connection that was lost is over. @returns whether the key is gone with it */
  release(key: string): boolean {
    const member = this.local.get(key);
    if (member === undefined) return false;
    member.leaving--;
    return this.#settle(key, member);
  }

  watch(watcher: Watcher, names: boolean): void {
    this.unwatch(watcher);
    (names ? this.#named : this.#counted).add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.#named.delete(watcher);
    this.#counted.delete(watcher);
    this.#behind.delete(watcher);
    if (!this.isWatched) this.isKnown = false;
  }

  /** What there is to say to somebody who asks. */
  answer(most: number): Told {
    if (this.#names === null) return { n: this.#n };
    const members = [...this.#names].slice(0, most).map(([key, details]): Member => memberOf(key, details));
    return { n: this.#n, v: this.#version, in: members };
  }

  get count(): number {
    return this.#n;
  }

  /** Whether names are asked for at all. */
  get wantsNames(): boolean {
    return !this.#countOnly;
  }

  /**
   * What the engine has now; the watchers are told what has changed.
   * @param entries more than the most tell that there are too many
   * @param count asked for where there are
   */
  update(entries: readonly PresenceEntry[], count: number | undefined): void {
    const names = count === undefined ? namesOf(entries) : null;
    const mayName =
      names !== null && names.size <= this.#most * (this.#names === null && this.isKnown ? BACK_BELOW : 1);
    if (names !== null && mayName && !this.#countOnly) this.#updateNames(names);
    else this.#updateCount(names?.size ?? count!);
    // What nobody watches is known for this moment alone.
    this.isKnown = this.isWatched;
  }

  /** A watcher that had no room has room again: from the version it sees that it has to ask. */
  drained(watcher: Watcher): void {
    if (!this.#behind.delete(watcher)) return;
    const v = this.#names === null || this.#counted.has(watcher) ? undefined : this.#version;
    this.#tell([watcher], { n: this.#n, v });
  }

  #settle(key: string, { connections, leaving }: LocalMember): boolean {
    if (connections.size + leaving > 0) return false;
    this.local.delete(key);
    return true;
  }

  #updateNames(names: ReadonlyMap<string, string | undefined>): void {
    const before = this.#names;
    const n = this.#n;
    this.#names = names;
    this.#n = names.size;
    if (!this.isKnown) {
      this.#version++;
      return;
    }
    if (before === null) {
      // Two further on: who was told numbers alone asks for the names.
      this.#version += 2;
      this.#tell(this.#named, { n: names.size, v: this.#version });
    } else {
      const coming = [...names].filter(([key, details]) => !before.has(key) || before.get(key) !== details);
      const going = [...before.keys()].filter((key) => !names.has(key));
      if (coming.length + going.length > 0) {
        this.#version++;
        const members = coming.map(([key, details]) => memberOf(key, details));
        this.#tell(this.#named, { n: names.size, v: this.#version, in: members, out: going });
      }
    }
    if (names.size !== n) this.#tell(this.#counted, { n: names.size });
  }

  #updateCount(n: number): void {
    const isSame = this.isKnown && this.#names === null && n === this.#n;
    this.#names = null;
    this.#n = n;
    if (isSame || !this.isKnown) return;
    this.#tell(this.#named, { n });
    this.#tell(this.#counted, { n });
  }

  #tell(watchers: Iterable<Watcher>, what: Told): void {
    const text = new SharedText(writePresence(this.name, what));
    for (const watcher of watchers) if (!watcher.offerShared(text)) this.#behind.add(watcher);
  }
}

function memberOf(key: string, details: string | undefined): Member {
  return details === undefined ? [key] : [key, details];
}

/** A key is there once, on however many nodes. */
export function namesOf(entries: readonly PresenceEntry[]): Map<string, string | undefined> {
  return new Map(entries.map(({ key, info }) => [key, info]));
}
