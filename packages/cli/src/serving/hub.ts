/** The hub behind the rooms: what is kept of them, who may come in, and the HTTP API of backends. */
import { randomBytes } from "node:crypto";
import type { JwtVerifier } from "@hawser/jwt";
import { type Client, type ServerOptions, systemClock } from "hawser";
import { type Broker, createHub, type Hub, type HubHttpListener, type HubLimits } from "hawser/hub";
import { SampledLog } from "hawser/tools";
import type { OwnValues } from "../config/configure.js";
import type { Log } from "../log/log.js";
import { guests } from "./guests.js";
import { withoutPublishKey } from "./no-publish-key.js";
import { type Guest, rooms } from "./rooms.js";

/** Rooms as the command serves them. */
export interface CommandHub {
  readonly hub: Hub;
  /** Handlers of the server's, and how it comes to know its clients. */
  serverOptions(own: ServerOptions<Guest>): ServerOptions<Guest>;
  readonly http: HubHttpListener;
}

export interface HubAmongOthers {
  /** Undefined: the memory of this process. */
  readonly broker: Broker | undefined;
  readonly limits?: HubLimits;
  readonly returnsPerSecond?: number;
}

const everything = (): boolean => true;

/** @param among what is different where this process is one of several */
export async function makeHub(own: OwnValues, log: Log, among?: HubAmongOthers): Promise<CommandHub> {
  const { historySize, historyTtlMs, presence, clusterSecret } = own;
  const verify = await verifierOf(own, log);
  const hub = createHub({
    defaultTopic: {
      presence,
      ...(historySize === 0 ? {} : { history: { size: historySize, ttlMs: historyTtlMs } }),
    },
    ...(verify === undefined ? {} : { authenticate: (token: string | undefined) => verify(token) }),
    ...(verify === undefined ? {} : { identify: (client: Client) => (client.data as Guest).user }),
    ...among,
    clusterSecret,
    allow: { subscribe: everything, publish: everything, presence: everything },
    logger: log.logger,
  });
  return {
    hub,
    serverOptions: (own) => hub.serverOptions({ ...own, ...guests(verify), ...rooms(hub, log) }),
    http: httpOf(hub, own, log),
  };
}

/** Undefined: nobody needs a token. */
async function verifierOf(
  { tokenSecret, jwks, audience, issuer }: OwnValues,
  { logger }: Log,
): Promise<JwtVerifier | undefined> {
  if (tokenSecret === undefined && jwks === undefined) return undefined;
  // Loaded for those alone who ask for tokens.
  const { jwt } = await import("@hawser/jwt");
  return jwt({
    ...(tokenSecret === undefined ? { jwks } : { secret: tokenSecret }),
    audience,
    issuer,
    onJwksFailure: (why) =>
      logger.error({ event: "jwks-failed", why }, "the keys that tokens are signed with cannot be had"),
  });
}

function httpOf(hub: Hub, { publishKey, hubBase: base }: OwnValues, { logger }: Log): HubHttpListener {
  // Nobody knows this one.
  if (publishKey === undefined)
    return withoutPublishKey(base, hub.http({ base, key: randomBytes(32).toString("hex") }));
  const log = new SampledLog(logger, systemClock);
  return hub.http({
    base,
    key: publishKey,
    onKeyRefused: (address) =>
      log.warn("publish-key-refused", { event: "publish-key-refused", address }, "a wrong publish key"),
  });
}
