import { runOutside } from "../server/base/async-context.js";
import type { Broker } from "./brokers/broker.js";

/** The same broker, whose connections, subscriptions and reads are for all: they belong to none of the clients that happened to cause them. */
export function outsideOfContexts(broker: Broker): Broker {
  return {
    has: broker.has,
    presence: broker.presence,
    start: (events) => runOutside(() => broker.start(events)),
    subscribe: (topics) => runOutside(() => broker.subscribe(topics)),
    unsubscribe: (topics) => runOutside(() => broker.unsubscribe(topics)),
    publish: (topic, bytes, options) => broker.publish(topic, bytes, options),
    read: (topic, options) => runOutside(() => broker.read(topic, options)),
    heads: (topics) => runOutside(() => broker.heads(topics)),
    renew: (topic, epoch) => runOutside(() => broker.renew(topic, epoch)),
    tell: (bytes, node) => runOutside(() => broker.tell(bytes, node)),
    close: () => broker.close(),
  };
}
