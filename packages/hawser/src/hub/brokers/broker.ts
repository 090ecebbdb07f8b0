/** What the hub needs of an engine: the only thing that it knows of one. */

/** "Everything up to here." An offset means something only together with its epoch. */
export interface Position {
  /** A word without an order. It changes when history was lost, and at no other time. */
  readonly epoch: string;
  /** Of the newest message, 0 before the first. */
  readonly offset: number;
  /** That of the message at this offset, where it is known. Clients have none. */
  readonly stamp?: string | undefined;
}

/** A message as the engine has it. */
export interface StoredMessage {
  /** Grows with each message of the topic, not always by one; 0 in a topic without history. */
  readonly offset: number;
  /** Offset of the message before this one in the topic, 0 for the first. */
  readonly prev: number;
  readonly epoch: string;
  /**
   * Eight random bytes as text, drawn anew for each message. An engine that lost its newest messages gives their offsets away again; this tells
   * the one from the other.
   */
  readonly stamp: string;
  readonly bytes: Uint8Array;
  readonly binary: boolean;
  /** Who published it; undefined for the server itself. */
  readonly by?: string | undefined;
  /** The id of the plain client that sent it, which is not sent it again; undefined for all others. At most 64 characters of ASCII. */
  readonly from?: string | undefined;
}

export interface PublishOptions {
  readonly binary: boolean;
  /** How many messages of the topic are kept; 0 for a topic without history. */
  readonly size: number;
  /** For how long. */
  readonly ttlMs: number;
  /** A second publish to the topic with the same key, within the broker's window, does nothing and has the same answer. */
  readonly key?: string | undefined;
  readonly by?: string | undefined;
  /** The id of the plain client that sent it: the message has it, live and when it is read. */
  readonly from?: string | undefined;
}

export interface Published {
  /** 0 in a topic without history. */
  readonly offset: number;
  /** "" in a topic without history. */
  readonly epoch: string;
  /** The key was there already: this is the position of the first message with it. */
  readonly duplicate: boolean;
}

export interface ReadOptions {
  /** Where to begin, itself left out; left out, at the oldest message (at the newest with `reverse`). */
  readonly after?: Position | undefined;
  /** The most messages to answer with. 0 asks for the head alone. */
  readonly limit: number;
  /** From newer to older. */
  readonly reverse?: boolean | undefined;
}

/** What was read, as of one moment. */
export interface History {
  /** The newest position of the topic, `stamp` included where the engine still has it. */
  readonly head: Position;
  /** In the order of reading: oldest first, or newest first with `reverse`. None if `after` is of another epoch. */
  readonly messages: readonly StoredMessage[];
  /**
   * Nothing is missing between `after` and the last of `messages`. False exactly when something there is gone, or `after` is of another epoch.
   * With `reverse`: false when there are fewer than `limit` and older ones were published. A `limit` that ends the list early is no reason.
   */
  readonly complete: boolean;
  /**
   * The topic has no message at `after`, or one with another stamp, and its epoch is the same: the engine lost its newest messages.
   * False when the engine cannot tell: then `complete` is false.
   */
  readonly diverged: boolean;
}

/** `suspect`: the connection is a new one and subscriptions are in place; messages may have been missed. */
export type EngineState = "up" | "suspect" | "down";

/** What a broker tells. Nothing here throws, and each call is over quickly. */
export interface BrokerEvents {
  message(topic: string, message: StoredMessage): void;
  /** A control message of another node, or of this one. */
  told(bytes: Uint8Array, from: string): void;
  state(state: EngineState, why: string): void;
  /** Something stood in the engine, under names of this broker's, that no node wrote. It was passed over. */
  foreign?(where: string): void;
}

/** A member of a topic. It belongs to one incarnation of one node, which alone writes it. */
export interface PresenceEntry {
  readonly node: string;
  readonly key: string;
  /** JSON. */
  readonly info?: string | undefined;
}

/** Who is where. Entries of a node without a lease are as if they were not there. */
export interface PresenceStore {
  /**
   * Renews the node's lease; 0 ends it, with all entries.
   * @returns false if the lease had ended meanwhile: others may have been told that its members left, and it has to put them anew
   */
  lease(node: string, ttlMs: number): Promise<boolean>;
  /** A second put of the same key replaces the details. */
  put(topic: string, entry: PresenceEntry): Promise<void>;
  remove(topic: string, node: string, key: string): Promise<void>;
  list(topic: string, limit: number): Promise<readonly PresenceEntry[]>;
  /** Entries, those of one key on two nodes counted twice. */
  count(topic: string): Promise<number>;
}

/**
 * An engine, as one node sees it.
 *
 * Asked for:
 * - a publish is appended and sent out as one step; all nodes see the messages of a topic in the same order of offsets;
 * - each message names the one before it (`prev`), so that who missed one can tell;
 * - every promise is settled within a bound (2 s), and nothing is queued without end: a rejection is a {@link BrokerError}, and a publish that was
 *   rejected may have happened;
 * - after a lost connection the broker subscribes again by itself. It tells `down` before the first message of the new connection, `suspect`
 *   when all subscriptions are in place, and no message of the old connection after that;
 * - a topic with history is never delivered on this node alone, past the engine.
 *
 * Not asked for: that no message is lost, doubled, late or out of order on its way to the node, or that no engine ever loses its newest messages.
 * The hub finds and repairs that, or tells it.
 */
export interface Broker {
  /**
   * `trusted`: nobody but the nodes can write to the engine, so that whatever comes from it is theirs. `copies`: what is published has been copied when
   * `publish` returns, so that it may be a part of something larger. @default false for both
   */
  readonly has: {
    readonly history: boolean;
    readonly presence: boolean;
    readonly trusted?: boolean | undefined;
    readonly copies?: boolean | undefined;
  };
  /**
   * Settled once it is known how things stand: an engine that cannot be reached is told as `down`, and tried again for as long as it takes.
   * @throws BrokerSetupError if waiting for it does not help
   */
  start(to: BrokerEvents): Promise<void>;
  /** Resolved: what is published from now on arrives, from whichever node. A topic that is subscribed already is no error. */
  subscribe(topics: readonly string[]): Promise<void>;
  unsubscribe(topics: readonly string[]): void;
  /** `bytes` are given away: nobody changes them afterwards, and unless it `copies`, they are no part of a larger buffer, which would be kept with them. */
  publish(topic: string, bytes: Uint8Array, options: PublishOptions): Promise<Published>;
  /** A topic that nobody has published to has a position too: that of its beginning. */
  read(topic: string, options: ReadOptions): Promise<History>;
  /** The newest positions, asked for many topics at once. */
  heads(topics: readonly string[]): Promise<ReadonlyMap<string, Position>>;
  /**
   * Begins a new epoch, unless the topic is in another one than `epoch` already; two nodes may ask for it at the same time. Messages, offsets and
   * stamps stay as they are. Called when the engine went back: positions of the old epoch no longer mean one message.
   * @returns the newest position, in the epoch that holds now
   */
  renew(topic: string, epoch: string): Promise<Position>;
  /** A control message to one node, or to all of them, this one included. */
  tell(bytes: Uint8Array, node?: string): Promise<void>;
  readonly presence?: PresenceStore | undefined;
  /** No event comes after this was called; what waits is rejected. */
  close(): Promise<void>;
}

/** `unavailable`: later it may work, and a publish may have happened. `limit`: the engine takes no more of it. */
export type BrokerFault = "unavailable" | "limit";

/** Why a broker could not do something. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly fault: BrokerFault;

  constructor(fault: BrokerFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

/**
 * The engine is there and cannot be used as things stand: a wrong password, another kind of server, one that is too old, a right that is missing.
 * Waiting does not help; somebody has to change something. `Broker.start` rejects with it.
 */
export class BrokerSetupError extends Error {
  override readonly name = "BrokerSetupError";
}
