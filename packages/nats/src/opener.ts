import type { NatsConnection } from "@nats-io/transport-node";
import { BrokerSetupError } from "hawser/hub";
import { checkVersion, connectToServer } from "./connect.js";
import type { ResolvedNatsOptions } from "./options.js";

/** How connections are come by. */
export interface Opener {
  readonly open: () => Promise<NatsConnection>;
  /** Whether they are closed when they are no longer needed. */
  readonly isOwner: boolean;
}

/** What a function of the user's may take. */
const OPEN_MS = 10_000;
/** How often a connection of somebody else is looked at that is not there. */
const LOOK_MS = 50;

export function openerOf({ servers, connection }: ResolvedNatsOptions, name: string): Opener {
  if (servers !== undefined) return { open: () => connectToServer(servers, name), isOwner: true };
  if (typeof connection === "function") return { open: () => opened(connection), isOwner: true };
  return { open: () => restored(connection!), isOwner: false };
}

async function opened(open: () => NatsConnection | Promise<NatsConnection>): Promise<NatsConnection> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`there is no connection after ${OPEN_MS} ms`)), OPEN_MS);
  });
  const opening = Promise.resolve(open());
  try {
    const connection = await Promise.race([opening, tooLong]);
    checkVersion(connection.info?.version ?? "0");
    return connection;
  } catch (error) {
    opening.then((late) => late.close()).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A connection that mends itself, as soon as a server answers on it. */
async function restored(connection: NatsConnection): Promise<NatsConnection> {
  if (connection.isClosed()) throw new BrokerSetupError("the connection to NATS was closed by its owner");
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the connection is not there")), LOOK_MS * 20);
  });
  const asked = connection.flush();
  try {
    await Promise.race([asked, tooLong]);
  } finally {
    asked.catch(() => {});
    clearTimeout(timer);
  }
  checkVersion(connection.info?.version ?? "0");
  return connection;
}
