/** The engine that rooms go through, where nodes share one. */
import { UsageError } from "hawser";
import { type Broker, BrokerSetupError } from "hawser/hub";
import { ConfigError } from "../config/config-error.js";
import type { OwnValues } from "../config/configure.js";

/** An engine that does not answer is not waited for at the start: it may come later. */
const PATIENCE_MS = 3000;

const ignored = { message(): void {}, told(): void {}, state(): void {} };

/** Undefined: the memory of this process. @throws ConfigError for a URL that is none, or none to trust */
export async function brokerOf(own: OwnValues): Promise<Broker | undefined> {
  const { broker: url, brokerPrefix: prefix, dangerouslyAllowInsecureBroker: reason } = own;
  if (url === undefined) return undefined;
  const options = { url, prefix, ...(reason === undefined ? {} : { dangerouslyAllowInsecureUrl: reason }) };
  try {
    // Who has no engine need not load its client.
    if (url.startsWith("redis")) return (await import("@hawser/redis")).redisBroker(options);
    return (await import("@hawser/nats")).natsBroker(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ConfigError(
      `broker: ${error.message.replace("dangerouslyAllowInsecureUrl", "dangerouslyAllowInsecureBroker")}`,
    );
  }
}

/** Looks whether the engine can be used as things stand, if it is there. @throws ConfigError if waiting does not help */
export async function checkBroker(own: OwnValues): Promise<void> {
  const broker = await brokerOf(own);
  if (broker === undefined) return;
  let patience: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => (patience = setTimeout(resolve, PATIENCE_MS)));
  try {
    await Promise.race([broker.start(ignored), enough]);
  } catch (error) {
    if (error instanceof BrokerSetupError) throw new ConfigError(`broker: ${error.message}`);
  } finally {
    clearTimeout(patience);
    await broker.close();
  }
}
