/** Clients for one connection each: what the library would do by itself, to connect again, to queue, to wait, is turned off. */
import { createClient } from "@redis/client";
import type { RedisAddress } from "./address.js";
import type { ResolvedRedisOptions } from "./options.js";
import type { RedisClient } from "./redis-client.js";
import type { Clients } from "./topology.js";

/** Far longer than the broker itself waits: these are there for a fault of the broker's. */
const CONNECT_MS = 60_000;
const SOCKET_MS = 120_000;
/** The broker has a bound of its own, which is lower. */
const MOST_COMMANDS = 100_000;

/** Whatever a client was made with. */
const SAFE = {
  RESP: 3,
  disableOfflineQueue: true,
  commandsQueueMaxLength: MOST_COMMANDS,
  // The broker looks after its connections itself: a ping says nothing of whether messages arrive.
  pingInterval: 0,
  // Needs a right, and tells nobody anything.
  disableClientInfo: true,
  // A request of one vendor's.
  maintNotifications: "disabled",
  // Not with each command, where the library would add it to these: V8 in Node 20 makes a hidden class for each object that others are copied into
  // first. The default timeout is a timer for each command. Replies are bytes: what somebody else wrote may not be text.
  commandOptions: { timeout: 0, typeMapping: { 36: Buffer } },
} as const;
/** Clients are duplicates of it: `createClient` itself builds a class of all commands for each address, some 50 ms and 4 MB of work. */
const blank = createClient(SAFE);
const SAFE_SOCKET = { reconnectStrategy: false, connectTimeout: CONNECT_MS, socketTimeout: SOCKET_MS } as const;

export function clientsOf(options: ResolvedRedisOptions, name: string): Clients {
  const { client, url } = options;
  if (client !== undefined) {
    const server = (address?: RedisAddress): RedisClient => duplicateOf(client, address, name);
    return { server, sentinel: server };
  }
  const make = (address: RedisAddress, user: { username: string | undefined; password: string | undefined }) => {
    const tls = url!.isTls ? { ...options.tls, tls: true as const } : {};
    const made = blank.duplicate({
      name,
      database: url!.database,
      ...(user.username === undefined ? {} : { username: user.username }),
      ...(user.password === undefined ? {} : { password: user.password }),
      socket: { ...tls, ...SAFE_SOCKET, host: address.host, port: address.port },
    });
    return made as unknown as RedisClient;
  };
  return {
    server: (address) => make(address, { username: url!.username, password: url!.password }),
    sentinel: (address) => make(address, options.sentinel),
  };
}

/** Another one like that of the user, for this address if it is known. */
function duplicateOf(
  client: NonNullable<ResolvedRedisOptions["client"]>,
  address: RedisAddress | undefined,
  name: string,
): RedisClient {
  const model = typeof client === "function" ? client(address) : client;
  const { socket } = model.options as { socket?: object };
  const at = address === undefined ? {} : { host: address.host, port: address.port };
  // The URL was read when the model was made, and would have the last word.
  return model.duplicate({ ...SAFE, name, url: undefined, socket: { ...socket, ...SAFE_SOCKET, ...at } });
}

/** Where the user's own client leads to. */
export function addressOf(client: NonNullable<ResolvedRedisOptions["client"]>): RedisAddress {
  const model = typeof client === "function" ? client() : client;
  const { socket } = model.options as { socket?: { host?: string; port?: number } };
  return { host: socket?.host ?? "localhost", port: socket?.port ?? 6379 };
}
