import { setTimeout as sleep } from "node:timers/promises";
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  type StreamConfig,
  type StreamInfo,
  StorageType,
} from "@nats-io/jetstream";
import { BrokerSetupError } from "hawser/hub";
import type { Names } from "./names.js";
import { ApiFault, type Requests } from "./requests.js";

export interface StreamSettings {
  readonly storage: "file" | "memory";
  readonly replicas: number;
  readonly keyWindowMs: number;
  /** The most bytes of the stream of topics; -1 for no bound. */
  readonly maxBytes: number;
}

/** What each topic may keep in a stream that is new. */
const FIRST_SIZE = 100;
/** By then another node has written what it was about to write. */
const SETTLE_MS = 100;
const NS = 1_000_000;
const NO_STREAM = 10059;
const STREAM_EXISTS = 10058;

type Config = Partial<StreamConfig> & { name: string; subjects: string[] };

/** The streams as this broker makes them. What it finds made otherwise is left as it is where that does no harm. */
export class Streams {
  readonly #requests: Requests;
  readonly #jsm: JetStreamManager;
  readonly #names: Names;
  readonly #settings: StreamSettings;

  constructor(jsm: JetStreamManager, names: Names, settings: StreamSettings, requests: Requests) {
    this.#requests = requests;
    this.#jsm = jsm;
    this.#names = names;
    this.#settings = settings;
  }

  /** Makes those that are not there. @throws BrokerSetupError @returns the stream of topics */
  async prepare(): Promise<StreamInfo> {
    await this.#ask();
    const [topics] = await Promise.all([
      this.#ensure(this.#topics()),
      this.#ensure(this.#keys()),
      this.#ensure(this.#epochs()),
      this.#ensure(this.#members()),
    ]);
    return topics;
  }

  /** Makes room for topics that keep so many messages: one more, so that the message before them is known. */
  async makeRoom(size: number): Promise<number> {
    for (;;) {
      const { config } = await this.#jsm.streams.info(this.#names.topics);
      const room = roomOf(config);
      if (room > size) return room;
      await this.#jsm.streams.update(this.#names.topics, { ...config, max_msgs_per_subject: size + 1 });
      // The last one to write has it: a node that looked before this may write less after it.
      await sleep(SETTLE_MS);
    }
  }

  #topics(): Config {
    const { prefix, topics } = this.#names;
    const { keyWindowMs, maxBytes } = this.#settings;
    return {
      ...this.#common(topics, [`${prefix}.s.>`]),
      description: "Hawser: messages of topics with history",
      max_msgs_per_subject: FIRST_SIZE + 1,
      // What is full says so: to drop what is oldest would be to lose it without a word.
      discard: DiscardPolicy.New,
      max_bytes: maxBytes,
      duplicate_window: keyWindowMs * NS,
      republish: { src: `${prefix}.s.>`, dest: `${prefix}.l.>` },
      allow_direct: true,
    };
  }

  #keys(): Config {
    const { prefix, keys } = this.#names;
    const { keyWindowMs } = this.#settings;
    return {
      ...this.#common(keys, [`${prefix}.k.>`]),
      description: "Hawser: messages of topics without history that were published with a key",
      max_age: keyWindowMs * NS,
      duplicate_window: keyWindowMs * NS,
      republish: { src: `${prefix}.k.>`, dest: `${prefix}.l.>` },
    };
  }

  #epochs(): Config {
    const { epochs } = this.#names;
    return {
      ...this.#common(epochs, [this.#names.epoch]),
      description: "Hawser: which epoch the topics are in",
      max_msgs_per_subject: 64,
      republish: { src: this.#names.epoch, dest: this.#names.epochTold },
    };
  }

  #members(): Config {
    const { prefix, members } = this.#names;
    return {
      ...this.#common(members, [`${prefix}.m.>`]),
      description: "Hawser: members of topics, and the leases of nodes",
      storage: StorageType.Memory,
      max_msgs_per_subject: 1,
      allow_direct: true,
    };
  }

  #common(name: string, subjects: string[]): Config {
    const { storage, replicas } = this.#settings;
    return {
      name,
      subjects,
      storage: storage === "memory" ? StorageType.Memory : StorageType.File,
      num_replicas: replicas,
    };
  }

  // Whether anybody answers: the library says the same of a stream that is not there and of a server without JetStream.
  async #ask(): Promise<void> {
    try {
      await this.#requests.api(`STREAM.INFO.${this.#names.topics}`, undefined);
    } catch (error) {
      if (!(error instanceof ApiFault && error.code === NO_STREAM)) throw error;
    }
  }

  async #ensure(config: Config): Promise<StreamInfo> {
    const found = await this.#find(config.name);
    const info = found ?? (await this.#add(config));
    check(info.config, config);
    return info;
  }

  async #find(name: string): Promise<StreamInfo | undefined> {
    try {
      return await this.#jsm.streams.info(name);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_STREAM) return undefined;
      throw error;
    }
  }

  async #add(config: Config): Promise<StreamInfo> {
    try {
      return await this.#jsm.streams.add(config);
    } catch (error) {
      // Another node was faster, and has made more room since.
      if (!(error instanceof JetStreamApiError && error.code === STREAM_EXISTS)) throw error;
      return this.#jsm.streams.info(config.name);
    }
  }
}

/** How many messages of each topic a stream keeps. */
export function roomOf({ max_msgs_per_subject: room }: StreamConfig): number {
  return room > 0 ? room : Infinity;
}

/** What a stream must have. Limits that drop messages without a word are none of ours. */
function check(found: StreamConfig, wanted: Config): void {
  const perSubject = found.max_msgs_per_subject;
  const faults = [
    found.subjects.join() === wanted.subjects.join() ? "" : `has the subjects ${found.subjects.join(", ")}`,
    found.republish?.dest === wanted.republish?.dest ? "" : `republishes to ${found.republish?.dest ?? "nowhere"}`,
    found.republish?.headers_only === true ? "republishes headers alone" : "",
    wanted.allow_direct === true && !found.allow_direct ? "has no allow_direct" : "",
    found.retention === RetentionPolicy.Limits ? "" : `keeps messages by ${found.retention}, and not by limits`,
    // The stream of keys alone may: what it has is told live.
    wanted.max_age === undefined && dropsMessages(found) ? "drops messages by age, number or bytes" : "",
    found.discard_new_per_subject ? "refuses messages of a topic that has its number of them" : "",
    // Of a member, or a node, the newest message alone holds.
    wanted.max_msgs_per_subject === 1 && perSubject !== 1 ? `has ${perSubject} max_msgs_per_subject instead of 1` : "",
  ].filter((fault) => fault !== "");
  if (faults.length > 0) {
    throw new BrokerSetupError(`the stream ${wanted.name} is there already, and ${faults.join(", and ")}`);
  }
}

function dropsMessages({
  discard,
  max_age: maxAge,
  max_bytes: maxBytes,
  max_msgs: maxMessages,
}: StreamConfig): boolean {
  return maxAge > 0 || (discard !== DiscardPolicy.New && (maxBytes > 0 || maxMessages > 0));
}
