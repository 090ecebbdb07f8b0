/** What brokers throw, as those who call the hub are told it. */
import { BrokerError } from "./brokers/broker.js";
import { HubError } from "./hub-error.js";

/**
 * In another turn of the event loop: a broker may refuse at once, and whoever then asks again at once, and again, would keep this process from ever
 * hearing that its engine is back.
 * @throws HubError in place of a BrokerError, else the error
 */
export async function throwInHubWords(error: unknown): Promise<never> {
  if (!(error instanceof BrokerError)) throw error;
  await new Promise((done) => setImmediate(done));
  throw new HubError(error.fault, error.message);
}

export function translated<Value>(promise: Promise<Value>): Promise<Value> {
  return promise.catch(throwInHubWords);
}
