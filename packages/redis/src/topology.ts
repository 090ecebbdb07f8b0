/** Where the masters are. */
import { BrokerSetupError } from "hawser/hub";
import type { RedisAddress } from "./address.js";
import { addressText } from "./address.js";
import { Connection, type Patience } from "./connection.js";
import { EngineError, messageOf, setupFaultOf } from "./faults.js";
import { PARTITIONS, slotOf, SLOTS } from "./keys.js";
import type { RedisClient } from "./redis-client.js";

/** The next one is asked after so long. */
const HEAD_START_MS = 300;

/** A master, and what it has. */
export interface Shard {
  readonly address: RedisAddress;
  readonly partitions: readonly number[];
  /** In a Cluster messages go by sharded pub/sub: they stay with the master of their slot. */
  readonly isSharded: boolean;
}

/** Makes clients that are not connected yet. */
export interface Clients {
  server(address: RedisAddress): RedisClient;
  sentinel(address: RedisAddress): RedisClient;
}

export interface TopologyOptions {
  /** Servers, or Sentinels. */
  readonly addresses: readonly RedisAddress[];
  /** What Sentinels call the master. */
  readonly masterName: string | undefined;
  readonly mapAddress: (address: RedisAddress) => RedisAddress;
}

const ALL: readonly number[] = Array.from({ length: PARTITIONS }, (_, i) => i);

/** Asks for the masters, whichever way they are found: one server, a Cluster, or Sentinels. */
export class Topology {
  readonly #options: TopologyOptions;
  readonly #clients: Clients;
  readonly #patience: Patience;
  /** Those of a Cluster that were seen last: whoever was given first may be gone by now. */
  #known: readonly RedisAddress[] = [];
  /** One server alone: whether it is still the master is seen on the connections to it. */
  #alone: readonly Shard[] | undefined;
  /** Who answered last is asked first. */
  #answered = "";

  constructor(options: TopologyOptions, clients: Clients, patience: Patience) {
    this.#options = options;
    this.#clients = clients;
    this.#patience = patience;
  }

  /** @throws EngineError when nobody can say, BrokerSetupError when what is there will not do */
  async find(): Promise<readonly Shard[]> {
    const { addresses, masterName } = this.#options;
    if (masterName !== undefined) {
      const master = await this.#first(addresses, (address) => this.#askSentinel(address, masterName));
      return [{ address: this.#options.mapAddress(master), partitions: ALL, isSharded: false }];
    }
    if (this.#alone !== undefined) return this.#alone;
    const all = new Map([...this.#known, ...addresses].map((address) => [addressText(address), address]));
    return this.#first([...all.values()], (address) => this.#askServer(address));
  }

  /** Asks one after the other; who takes long is not waited for before the next one is asked. */
  async #first<Value>(
    addresses: readonly RedisAddress[],
    ask: (address: RedisAddress) => Promise<Value>,
  ): Promise<Value> {
    const isFirst = (address: RedisAddress): number => (addressText(address) === this.#answered ? 0 : 1);
    const ordered = addresses.toSorted((a, b) => isFirst(a) - isFirst(b));
    const asked: Promise<Value>[] = [];
    for (const address of ordered) {
      const answer = ask(address);
      asked.push(answer);
      answer.then(
        () => (this.#answered = addressText(address)),
        () => {},
      );
      if (await settledWithin(Promise.any(asked), HEAD_START_MS)) break;
    }
    try {
      return await Promise.any(asked);
    } catch (error) {
      throw this.#failureOf(ordered, (error as AggregateError).errors);
    }
  }

  /** Where one of several cannot be reached and another says no, waiting may still help. */
  #failureOf(addresses: readonly RedisAddress[], errors: readonly unknown[]): Error {
    const texts = errors.map((error, i) => `${addressText(addresses[i]!)}: ${messageOf(error)}`);
    const faults = errors.map(setupFaultOf);
    return faults.every((fault) => fault !== undefined)
      ? new BrokerSetupError(texts[0], { cause: faults[0] })
      : new EngineError(texts.join("; "));
  }

  async #askServer(address: RedisAddress): Promise<readonly Shard[]> {
    const connection = await Connection.open(this.#clients.server(address), this.#patience);
    try {
      const { mode, version, server } = connection.kind;
      if (mode === "sentinel") {
        throw new BrokerSetupError("this is a Sentinel: it needs the name of the master it watches, `sentinel`");
      }
      checkVersion(server, version, mode === "cluster" ? [7, 0] : [6, 2]);
      if (mode !== "cluster") {
        const shards = [{ address, partitions: ALL, isSharded: false }];
        if (this.#options.addresses.length === 1) this.#alone = shards;
        return shards;
      }
      const shards = this.#shardsOf(await connection.command(["CLUSTER", "SLOTS"]), address);
      this.#known = shards.map((shard) => shard.address);
      return shards;
    } finally {
      connection.lose("it was only asked where the masters are");
    }
  }

  async #askSentinel(address: RedisAddress, name: string): Promise<RedisAddress> {
    const connection = await Connection.open(this.#clients.sentinel(address), this.#patience);
    try {
      if (connection.kind.mode !== "sentinel") throw new BrokerSetupError("this is no Sentinel");
      const answer = await connection.command(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
      if (!Array.isArray(answer)) throw new BrokerSetupError(`this Sentinel watches no master that is called ${name}`);
      return { host: String(answer[0]), port: Number(answer[1]) };
    } finally {
      connection.lose("it was only asked where the master is");
    }
  }

  /** The answer is a list of: first slot, last slot, master, replicas. */
  #shardsOf(answer: unknown, asked: RedisAddress): readonly Shard[] {
    const owners: (RedisAddress | undefined)[] = Array.from({ length: SLOTS });
    for (const [first, last, [host, port]] of answer as [number, number, [Buffer | null, number]][]) {
      const named = String(host ?? "");
      // A node that does not know its own name leaves it out.
      const address = { host: named === "" || named === "?" ? asked.host : named, port };
      owners.fill(this.#options.mapAddress(address), first, last + 1);
    }
    const shards = new Map<string, { address: RedisAddress; partitions: number[]; isSharded: true }>();
    for (const partition of ALL) {
      const address = owners[slotOf(partition)];
      if (address === undefined) throw new EngineError(`nobody in the Cluster has slot ${slotOf(partition)}`);
      const shard = shards.get(addressText(address)) ?? { address, partitions: [], isSharded: true };
      shards.set(addressText(address), shard);
      shard.partitions.push(partition);
    }
    return [...shards.values()];
  }
}

/** @returns whether there is an answer; false too when it is that there is none */
async function settledWithin(answer: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const pause = new Promise<false>((resolve) => (timer = setTimeout(resolve, ms, false)));
  try {
    return await Promise.race([answer.then(() => true), pause]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function checkVersion(server: string, version: string, [major, minor]: readonly [number, number]): void {
  const [hasMajor = 0, hasMinor = 0] = version.split(".").map(Number);
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return;
  const what = major === 7 ? "a Cluster needs 7.0 for its sharded pub/sub" : "6.2 is needed";
  throw new BrokerSetupError(`this is ${server} ${version}, and ${what}`);
}
