import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node";
import { BrokerSetupError } from "hawser/hub";
import { setupFaultOf, messageOf } from "./faults.js";
import { greetingOf } from "./greeting.js";
import type { NatsServers, ServerAddress } from "./options.js";

const CONNECT_MS = 2_000;
/** A peer that is gone without a word is found out in two of these. */
const PING_MS = 10_000;
const OLDEST = [2, 9] as const;

/** Connects to the first server that can be had. @throws BrokerSetupError if waiting does not help */
export async function connectToServer(servers: NatsServers, name: string): Promise<NatsConnection> {
  const faults: unknown[] = [];
  for (const address of shuffled(servers.addresses)) {
    try {
      return await connectTo(address, servers, name);
    } catch (error) {
      faults.push(error);
    }
  }
  // One server of the cluster that is wrong may be repaired while the others are only away.
  const setup = faults.map(setupFaultOf);
  throw setup.find((fault) => fault !== undefined) ?? new Error(faults.map(messageOf).join("; "));
}

/** @throws BrokerSetupError */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new BrokerSetupError(`the NATS server is ${version}, and ${OLDEST.join(".")} or newer is needed`);
  }
}

async function connectTo(address: ServerAddress, servers: NatsServers, name: string): Promise<NatsConnection> {
  const { host, port } = address;
  const { tls, user, password, token, authenticator } = servers;
  if (tls?.handshakeFirst !== true) checkVersion((await greetingOf(address)).version);
  const options: NodeConnectionOptions = {
    servers: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    name,
    timeout: CONNECT_MS,
    pingInterval: PING_MS,
    maxPingOut: 2,
    // What is lost is replaced: the library gives up after ten tries, and what waits for answers is not told.
    reconnect: false,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user, pass: password! }),
    ...(token === undefined ? {} : { token }),
    ...(authenticator === undefined ? {} : { authenticator }),
  };
  const connection = await connect(options);
  checkVersion(connection.info?.version ?? "0");
  return connection;
}

function shuffled<Value>(values: readonly Value[]): Value[] {
  return values
    .map((value) => [Math.random(), value] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, value]) => value);
}
