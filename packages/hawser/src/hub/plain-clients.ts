import type { DeadlineWheel } from "../server/base/deadlines.js";
import { UsageError } from "../server/base/usage-error.js";
import type { Client } from "../server/api/client.js";
import { portOf } from "../server/session/client-port.js";
import type { Verdict } from "./session/verdict.js";
import { PlainSubscriber } from "./subscriber.js";

export interface PlainClientsPort {
  readonly wheel: DeadlineWheel;
  /** For how long a client may go on with a token that has expired, unless the token says so itself. */
  readonly graceMs: number;
  /** Who a client is by its handshake. */
  identify(client: Client): Verdict;
  /** A client is taken out of a topic. */
  leave(subscriber: PlainSubscriber, topic: string): void;
}

/** The clients that know nothing of hubs, as far as the hub has to do with them: those in topics, and those whose user is known. */
export class PlainClients {
  readonly #port: PlainClientsPort;
  readonly #subscribers = new Map<string, PlainSubscriber>();

  constructor(port: PlainClientsPort) {
    this.#port = port;
  }

  /** @throws UsageError for a client of `hawser.v1` */
  subscriberOf(client: Client): PlainSubscriber {
    const port = portOf(client);
    if (port.attached instanceof PlainSubscriber) return port.attached;
    if (port.attached !== null) {
      throw new UsageError("join is for plain clients: one of hawser.v1 subscribes by itself");
    }
    const subscriber = new PlainSubscriber(client, port);
    port.attached = subscriber;
    this.#subscribers.set(client.id, subscriber);
    this.#know(subscriber, this.#port.identify(client));
    return subscriber;
  }

  closed(subscriber: PlainSubscriber): void {
    this.#subscribers.delete(subscriber.client.id);
    this.#port.wheel.remove(subscriber);
  }

  /** Takes them out of the topic, or closes them where it is about all topics, or was their last: they cannot be told of one. */
  revoke(user: string | undefined, client: string | undefined, topic: string | undefined): void {
    const subscribers = client === undefined ? this.#subscribers.values() : [this.#subscribers.get(client)];
    for (const subscriber of subscribers) {
      if (subscriber === undefined || (user !== undefined && subscriber.user?.user !== user)) continue;
      if (topic !== undefined) {
        if (!subscriber.removeTopic(topic)) continue;
        this.#port.leave(subscriber, topic);
        if (subscriber.topics.size > 0) continue;
      }
      subscriber.end("forbidden");
    }
  }

  #know(subscriber: PlainSubscriber, verdict: Verdict): void {
    if (!verdict.isGood) {
      subscriber.end(verdict.code === "expired" ? "expired" : "forbidden");
      return;
    }
    const { user, ttlMs } = verdict;
    subscriber.user = user;
    if (ttlMs === undefined) return;
    const { wheel, graceMs } = this.#port;
    subscriber.endsAt = wheel.time.now + ttlMs + (user?.graceMs ?? graceMs);
    wheel.schedule(subscriber, subscriber.endsAt);
  }
}
