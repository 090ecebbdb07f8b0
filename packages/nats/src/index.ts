/** The hub on NATS: many processes and machines have the same topics, and their history in JetStream. */

import { type Broker } from "hawser/hub";
import { NatsBroker } from "./broker.js";
import { type NatsBrokerOptions, resolveNatsOptions } from "./options.js";

/**
 * A broker for `createHub`. It connects when the hub starts, and again whenever a connection is lost.
 * @throws OptionError, UsageError
 */
export function natsBroker(options: NatsBrokerOptions): Broker {
  return new NatsBroker(resolveNatsOptions(options));
}

export type { NatsBrokerOptions } from "./options.js";
