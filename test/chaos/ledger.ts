/** What was published, and what each client was told: held against each other, nothing may be missing without a word. */

/** A place in a topic. */
export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

type Entry = Place & {
  /** When it came, by `performance.now()`. */
  readonly at: number;
} & (
    | { readonly kind: "begin" }
    | { readonly kind: "message"; readonly id: string; readonly replayed: boolean }
    | { readonly kind: "gap"; readonly why: string }
  );

/** A node asks for the newest position of a quiet topic every 30 s, and needs a moment to read what it lacks. */
const SYNC_MS = 35_000;

/** What one client was told of one topic, in order. */
export class Follower {
  readonly name: string;
  readonly topic: string;
  readonly entries: Entry[] = [];
  readonly #now: () => number;

  constructor(name: string, topic: string, now: () => number) {
    this.name = name;
    this.topic = topic;
    this.#now = now;
  }

  begin(place: Place): void {
    this.entries.push({ kind: "begin", at: this.#now(), ...place });
  }

  message(id: string, place: Place, replayed: boolean): void {
    this.entries.push({ kind: "message", at: this.#now(), id, replayed, ...place });
  }

  gap(why: string, place: Place): void {
    this.entries.push({ kind: "gap", at: this.#now(), why, ...place });
  }

  /** Up to where it was told everything, or that something is missing. */
  get place(): Place | undefined {
    return this.entries.at(-1);
  }
}

/** A plain client: it hears payloads, and nothing of offsets, gaps or what it has missed. */
export class Listener {
  readonly name: string;
  readonly topic: string;
  readonly ids: string[] = [];

  constructor(name: string, topic: string) {
    this.name = name;
    this.topic = topic;
  }
}

export interface Findings {
  /** Each a sentence. None of them may be. */
  readonly faults: string[];
  delivered: number;
  replayed: number;
  readonly gaps: Record<string, number>;
  /** Messages that an engine lost before a node could tell, and of which clients were told by a gap that came a little later. */
  toldLate: number;
  /** Messages that are in a topic twice, since the engine lost its memory of their keys. */
  doubledByLoss: number;
}

const MOST_FAULTS = 30;

export class Ledger {
  readonly followers: Follower[] = [];
  readonly listeners: Listener[] = [];
  /** Acknowledged publishes, by topic: where each is. */
  readonly #acknowledged = new Map<string, Map<string, Place>>();
  acknowledgements = 0;
  readonly #now: () => number;
  /** When the engine first lost something. */
  #forgotAt = Infinity;

  /** @param now steps in tests */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** From now on the engine may have lost what it had acknowledged, and give away offsets and keys again. */
  engineForgets(): void {
    this.#forgotAt = Math.min(this.#forgotAt, this.#now());
  }

  follow(name: string, topic: string): Follower {
    const follower = new Follower(name, topic, this.#now);
    this.followers.push(follower);
    return follower;
  }

  listen(name: string, topic: string): Listener {
    const listener = new Listener(name, topic);
    this.listeners.push(listener);
    return listener;
  }

  acknowledged(topic: string, id: string, place: Place): void {
    this.acknowledgements++;
    const ofTopic = this.#acknowledged.get(topic) ?? new Map<string, Place>();
    this.#acknowledged.set(topic, ofTopic.set(id, place));
  }

  get #hasForgotten(): boolean {
    return this.#forgotAt < Infinity;
  }

  /** Holds everything against everything. */
  check(): Findings {
    const findings: Findings = { faults: [], delivered: 0, replayed: 0, gaps: {}, toldLate: 0, doubledByLoss: 0 };
    for (const topic of new Set(this.followers.map((follower) => follower.topic))) {
      const followers = this.followers.filter((follower) => follower.topic === topic);
      const truth = this.#truth(topic, followers, findings);
      for (const follower of followers) checkFollower(follower, truth, this.#forgotAt, findings);
    }
    for (const listener of this.listeners) this.#checkListener(listener, findings);
    return findings;
  }

  /** Every place that is known to have held a message, from whoever knows of it. */
  #truth(topic: string, followers: readonly Follower[], findings: Findings): Truth {
    const truth = new Truth();
    const placesOf = new Map<string, Set<string>>();
    const know = (id: string, { epoch, offset }: Place, by: string): void => {
      const other = truth.add(epoch, offset, id);
      if (other !== undefined && !this.#hasForgotten) {
        note(findings, `${topic}: at ${epoch}/${offset} ${by} has ${id}, and others have ${other}`);
      }
      placesOf.set(id, (placesOf.get(id) ?? new Set()).add(`${epoch}/${offset}`));
    };
    for (const [id, place] of this.#acknowledged.get(topic) ?? []) know(id, place, "the publisher");
    for (const { name, entries } of followers) {
      for (const entry of entries) if (entry.kind === "message") know(entry.id, entry, name);
    }
    for (const [id, places] of placesOf) {
      // A new epoch has the messages that it begins with at the offsets that they had.
      const offsets = new Set([...places].map((place) => place.slice(place.lastIndexOf("/") + 1)));
      if (offsets.size === 1) continue;
      if (this.#hasForgotten) findings.doubledByLoss++;
      else note(findings, `${topic}: ${id} was published once, and is at ${[...places].join(" and ")}`);
    }
    return truth;
  }

  #checkListener({ name, topic, ids }: Listener, findings: Findings): void {
    findings.delivered += ids.length;
    const seen = new Set<string>();
    for (const id of ids) {
      if (seen.has(id) && !this.#hasForgotten) note(findings, `${topic}: ${name}, a plain client, has ${id} twice`);
      seen.add(id);
    }
  }
}

/** By epoch, which offsets hold a message. */
class Truth {
  readonly #ids = new Map<string, Map<number, string>>();
  readonly #sorted = new Map<string, readonly number[]>();

  /** @returns another message that somebody has at this place */
  add(epoch: string, offset: number, id: string): string | undefined {
    const offsets = this.#ids.get(epoch) ?? new Map<number, string>();
    this.#ids.set(epoch, offsets);
    const known = offsets.get(offset);
    offsets.set(offset, known ?? id);
    return known === undefined || known === id ? undefined : known;
  }

  /** Messages between two offsets, both left out. */
  between(epoch: string, from: number, to: number): string[] {
    const ids = this.#ids.get(epoch);
    if (ids === undefined || to - from < 2) return [];
    const sorted = this.#sorted.get(epoch) ?? [...ids.keys()].toSorted((a, b) => a - b);
    this.#sorted.set(epoch, sorted);
    return sorted.filter((offset) => offset > from && offset < to).map((offset) => ids.get(offset)!);
  }
}

function checkFollower({ name, topic, entries }: Follower, truth: Truth, forgotAt: number, findings: Findings): void {
  let at: Place | undefined;
  for (const [index, entry] of entries.entries()) {
    const { kind, epoch, offset } = entry;
    if (kind === "gap") findings.gaps[entry.why] = (findings.gaps[entry.why] ?? 0) + 1;
    if (kind === "message") {
      findings.delivered++;
      if (entry.replayed) findings.replayed++;
      const where = `${topic}: ${name} has ${epoch}/${offset} (${entry.id})`;
      // The first message may come in one read with the answer, before anybody could ask where the subscription begins.
      if (at === undefined) {
        at = entry;
        continue;
      }
      if (at.epoch !== epoch) note(findings, `${where} after ${at.epoch}/${at.offset}, and no gap between`);
      else if (offset <= at.offset) note(findings, `${where} after ${at.offset}`);
      else {
        const missing = truth.between(epoch, at.offset, offset);
        if (missing.length > 0 && entry.at >= forgotAt && isToldLate(entries, index))
          findings.toldLate += missing.length;
        else if (missing.length > 0) {
          note(findings, `${where} after ${at.offset}, without a word of ${missing.slice(0, 5).join(", ")}`);
        }
      }
    }
    at = entry;
  }
  if (at === undefined) {
    note(findings, `${topic}: ${name} never got to subscribe`);
    return;
  }
  const missing = truth.between(at.epoch, at.offset, Infinity);
  if (missing.length > 0) {
    note(findings, `${topic}: ${name} ends at ${at.offset}, without a word of ${missing.slice(0, 5).join(", ")}`);
  }
}

/**
 * Whether what is missing before this entry was told afterwards: by the next gap, if that comes within the time in which a node must have noticed, or
 * says that the topic has begun anew.
 */
function isToldLate(entries: readonly Entry[], index: number): boolean {
  const before = entries[index]!;
  const gap = entries.slice(index + 1).find(({ kind }) => kind === "gap");
  return gap !== undefined && (gap.epoch !== before.epoch || gap.at - before.at <= SYNC_MS);
}

function note({ faults }: Findings, sentence: string): void {
  if (faults.length < MOST_FAULTS) faults.push(sentence);
}
