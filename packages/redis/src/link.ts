/** The two connections to one master: one for commands, and one for what is published. */
import { BrokerSetupError } from "hawser/hub";
import { addressText } from "./address.js";
import { Connection, type Patience } from "./connection.js";
import { EngineError, messageOf, setupFaultOf } from "./faults.js";
import { rightsScript } from "./scripts.js";
import type { Clients, Shard } from "./topology.js";

/** A subscribing connection that has heard nothing for so long has itself told something. */
const QUIET_MS = 15_000;
/** Channels in one command. */
export const BATCH = 1_000;

export interface LinkPort extends Patience {
  readonly clients: Clients;
  /** A message on a channel. It must not throw. */
  message(channel: string, data: Buffer): void;
  /** Publishes to the link's own channel, by the way that all publishes go. */
  probe(link: Link): Promise<unknown>;
  /** A key, and a channel, that are of no use to anybody. */
  readonly nowhere: (partition: number) => readonly [key: string, channel: string];
  /** It is over with this link. */
  lost(link: Link, why: string): void;
  /** Somebody else has some of what it had. */
  moved(link: Link): void;
}

export class Link {
  readonly shard: Shard;
  readonly commands: Connection;
  readonly #port: LinkPort;
  readonly #subscriber: Connection;
  readonly #listener: (message: Buffer, channel: Buffer) => void;
  #isOver = false;
  /** When anything last came that was published. */
  #heardAt: number;
  /** When the probe was sent that was not heard yet; 0 for none. */
  #probedAt = 0;
  /** Everything that is wanted of this master is subscribed. */
  isInPlace = false;

  private constructor(shard: Shard, port: LinkPort, commands: Connection, subscriber: Connection) {
    this.shard = shard;
    this.commands = commands;
    this.#port = port;
    this.#subscriber = subscriber;
    this.#heardAt = port.now();
    this.#listener = (message, channel) => this.#heard(message, channel);
    commands.onLost = (why) => this.#end(why);
    subscriber.onLost = (why) => this.#end(why);
    // Its slot has gone to another master, and the server has ended the subscription.
    subscriber.client.on("sharded-channel-moved", () => port.moved(this));
  }

  /** @throws EngineError, BrokerSetupError */
  static async open(shard: Shard, port: LinkPort): Promise<Link> {
    const { address } = shard;
    const opened = await Promise.allSettled([
      Connection.open(port.clients.server(address), port, true),
      Connection.open(port.clients.server(address), port),
    ]);
    const [commands, subscriber] = opened.map((one) => (one.status === "fulfilled" ? one.value : undefined));
    const failed = opened.find((one) => one.status === "rejected");
    const role = commands?.kind.role;
    if (failed === undefined && role === "master") {
      const link = new Link(shard, port, commands!, subscriber!);
      await link.#checkRights();
      return link;
    }
    commands?.lose("the other connection could not be made");
    subscriber?.lose("the other connection could not be made");
    if (failed === undefined) throw new EngineError(`${addressText(address)} is a ${role ?? "?"}, not a master`);
    const error: unknown = failed.reason;
    const where = `${addressText(address)}: ${messageOf(error)}`;
    throw error instanceof BrokerSetupError ? new BrokerSetupError(where, { cause: error }) : new EngineError(where);
  }

  /** What the user may not do is better known now than when somebody publishes. @throws BrokerSetupError */
  async #checkRights(): Promise<void> {
    const { isSharded, partitions } = this.shard;
    const [key, channel] = this.#port.nowhere(partitions[0] ?? 0);
    try {
      const refused = await this.commands.run(rightsScript, [key], [isSharded ? "SPUBLISH" : "PUBLISH", channel]);
      const [name, said] = (refused as readonly Buffer[]).map(String);
      if (name !== undefined) throw new BrokerSetupError(`the user of Redis lacks a right: ${name}: ${said}`);
    } catch (error) {
      const fault = setupFaultOf(error);
      this.close("the user of Redis lacks a right");
      throw fault ?? error;
    }
  }

  /** Channels of one partition, where the master is one of a Cluster. */
  async subscribe(channels: readonly string[]): Promise<void> {
    const { client } = this.#subscriber;
    const subscribe = this.shard.isSharded ? client.sSubscribe : client.subscribe;
    for (let at = 0; at < channels.length; at += BATCH) {
      const batch = channels.slice(at, at + BATCH);
      await this.#subscriber.settle(() => subscribe.call(client, batch, this.#listener, true));
    }
  }

  unsubscribe(channels: readonly string[]): void {
    const { client } = this.#subscriber;
    const unsubscribe = this.shard.isSharded ? client.sUnsubscribe : client.unsubscribe;
    for (let at = 0; at < channels.length; at += BATCH) {
      const batch = channels.slice(at, at + BATCH);
      // What comes all the same is passed over; and if the connection is lost, it is over anyhow.
      this.#subscriber.settle(() => unsubscribe.call(client, batch, this.#listener, true)).catch(() => {});
    }
  }

  tick(): void {
    this.commands.tick();
    this.#subscriber.tick();
    if (!this.isInPlace || this.#isOver) return;
    const now = this.#port.now();
    if (this.#probedAt !== 0) {
      if (now - this.#probedAt >= this.#port.timeoutMs)
        this.close("it did not hear what it had itself told: it is deaf");
    } else if (now - this.#heardAt >= QUIET_MS) {
      this.#probedAt = now;
      // A probe that could not be sent is one that is not heard.
      this.#port.probe(this).catch(() => {});
    }
  }

  close(why: string): void {
    this.#end(why);
  }

  #heard(message: Buffer, channel: Buffer): void {
    if (this.#isOver) return;
    this.#probedAt = 0;
    this.#heardAt = this.#port.now();
    this.#port.message(channel.toString(), message);
  }

  #end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.commands.lose(why);
    this.#subscriber.lose(why);
    this.#port.lost(this, why);
  }
}
