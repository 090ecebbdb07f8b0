import { createConnection } from "node:net";
import { BrokerSetupError } from "hawser/hub";
import { messageOf } from "./faults.js";
import type { ServerAddress } from "./options.js";

/** A server has to say what it is within. */
const GREETING_MS = 2_000;
/** One that says nothing for so long is asked: a server of something else may wait for that. */
const ASK_MS = 700;
/** No server says more than this about itself. */
const MOST_BYTES = 64 * 1024;

/** What a server says of itself before anything else. */
export interface Greeting {
  readonly version: string;
  readonly tls_required?: boolean;
  readonly tls_available?: boolean;
}

/**
 * Waits for a server's first line, and hangs up. The client library waits for it without end, and never closes the connection: each try would
 * leave one behind.
 * @throws BrokerSetupError if what answers is no server of NATS
 */
export function greetingOf({ host, port }: ServerAddress): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let said = "";
    const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const asking = setTimeout(() => socket.write("PING\r\n\r\n"), ASK_MS);
    const waiting = setTimeout(() => fail(new Error(`${where} says nothing`)), GREETING_MS);
    const hangUp = (): void => {
      clearTimeout(asking);
      clearTimeout(waiting);
      socket.destroy();
    };
    const fail = (error: Error): void => {
      hangUp();
      reject(error);
    };
    socket.on("error", (error) => fail(new Error(`${where}: ${messageOf(error)}`)));
    socket.on("close", () => fail(new Error(`${where} hung up`)));
    socket.on("data", (chunk) => {
      said += chunk.toString("latin1");
      const line = /^INFO (.*?)\r\n/.exec(said)?.[1];
      const isOther = !"INFO ".startsWith(said.slice(0, 5)) || said.length > MOST_BYTES;
      if (isOther) return fail(new BrokerSetupError(`what answers at ${where} is no NATS server`));
      if (line === undefined) return;
      try {
        resolve(JSON.parse(Buffer.from(line, "latin1").toString()) as Greeting);
        hangUp();
      } catch {
        fail(new BrokerSetupError(`what answers at ${where} is no NATS server`));
      }
    });
  });
}
