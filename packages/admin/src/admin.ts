import { hostname } from "node:os";
import { createServer, Refuse, type Server } from "hawser";
import { FailedTries } from "hawser/tools";
import { createMetrics } from "./metrics/index.js";
import { Access } from "./access.js";
import { Actions } from "./actions.js";
import { readAssets } from "./assets.js";
import { EventLoopLag } from "./event-loop.js";
import { Gathered } from "./workers/gathered.js";
import { Feed } from "./feed.js";
import { adminHandler } from "./http.js";
import type { AdminHub } from "./hub.js";
import { HubSampler } from "./hub-sampler.js";
import { AdminLog } from "./log.js";
import { type AdminOptions, resolveAdminOptions } from "./options.js";
import { type NodeReport, type OwnNode, ownNode } from "./nodes.js";
import { MOST_VIEWERS, Places, standingOf, type Viewer } from "./places.js";
import { Sampler } from "./sampler.js";
import { bearerToken, SUBPROTOCOL, subprotocolToken, TokenGate } from "./token.js";

/** Where an admin listener listens. */
export interface AdminListening {
  /** Of the dashboard: `http://127.0.0.1:9090/`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** The admin listener of a server. */
export interface Admin {
  /** What actions need, and reading where it was given or others reach the listener. The dashboard takes it in its address: `http://…/#token=…`. */
  readonly token: string;
  /**
   * Listens. Where a token was given, or other machines can reach the address, all but the probes and the page itself needs it.
   * @param port 0 takes a free one
   * @param host the address to listen on @default 127.0.0.1
   * @throws what `node:net` emits; UsageError when it listens already or has been closed
   */
  listen(port?: number, host?: string): Promise<AdminListening>;
  /** Ends it: dashboards get 1001. Last of all, so that `/readyz` can say until then that the server is going. */
  close(): Promise<void>;
}

const GRACE_MS = 1000;
/** Requests here are short and have no bodies: who takes longer holds a connection that an operator may need. */
const HTTP_WAIT_MS = 5000;

/**
 * Makes the admin listener of a server: `/healthz`, `/readyz`, `/metrics` and the dashboard at `/`. It does nothing before `listen`.
 * @throws OptionError, UsageError
 */
export function createAdmin<Data>(server: Server<Data>, options?: AdminOptions): Admin;
/** The same for several workers, whose metrics are gathered. */
export function createAdmin(server: Gathered, options?: AdminOptions): Admin;
export function createAdmin(server: Server<unknown> | Gathered, options: AdminOptions = {}): Admin {
  const { token, isTokenGiven, allowedHosts, logger, logTail, tryUrl, clock, ...given } = resolveAdminOptions(options);
  const { hub, readyWithoutEngine, engineGraceMs } = given;
  const shown = server instanceof Gathered ? server.hub : hub;
  const metrics = given.metrics ?? (server instanceof Gathered ? server : createMetrics(server, { hub }));
  const log = new AdminLog(logger, clock);
  const access = new Access(allowedHosts, isTokenGiven);
  const gate = new TokenGate(token, new FailedTries(clock), log);
  const places = new Places();
  const lag = new EventLoopLag();
  const sampler = new Sampler(server, () => lag.take(), clock);
  const actions = new Actions(server.clients, log);
  const feed = new Feed({
    watched: server,
    hub: shown === undefined ? undefined : { hub: shown, sampler: new HubSampler(shown) },
    nodes: given.nodes ?? nodesOf(server, hub),
    history: sampler.history,
    gate,
    places,
    actions,
    logTail,
    token,
    tryUrl,
    clock,
    publish: (topic, payload) => void own.publish(topic, payload),
  });

  // A Hawser server itself, so that every limit of the server holds for its admin listener as well.
  const own: Server<Viewer> = createServer<Viewer>({
    path: "/live",
    subprotocols: [SUBPROTOCOL],
    dangerouslyAllowAnyOrigin: "Access asks for Host and Origin, here as for every other request",
    authenticate: ({ raw, address, subprotocols }) => {
      const refused = access.refuse(raw);
      if (refused !== null) throw new Refuse(refused.status, refused.message);
      // In this order: who has put it there means us, while a proxy in front may have a bearer token of its own.
      const given = subprotocolToken(subprotocols) ?? bearerToken(raw);
      const verdict = given === undefined ? "none" : gate.check(given, address);
      if (verdict === "wrong") throw new Refuse(401, "That is not the admin token.");
      if (verdict === "limited") throw new Refuse(429, "Too many wrong tokens: wait.", { "Retry-After": "10" });
      const mayAct = verdict === "right";
      const may = { mayAct, mayRead: mayAct || access.mayRead(raw) };
      if (!places.hasRoomFor(standingOf(may))) throw new Refuse(503, "Too many dashboards are open.");
      return { ...may, second: { since: -Infinity, requests: 0 }, topicsAsker: {}, asksForMembers: false };
    },
    ...feed.handlers,
    request: adminHandler({
      server,
      health: () => ({
        hub: readyWithoutEngine ? undefined : server instanceof Gathered ? server.probedHub : hub,
        engineGraceMs,
      }),
      access,
      gate,
      metrics,
      assets: readAssets(),
      log,
    }),
    logger: log.forOwnServer(),
    maxClients: MOST_VIEWERS,
    headersTimeoutMs: HTTP_WAIT_MS,
    requestTimeoutMs: HTTP_WAIT_MS,
    keepAliveTimeoutMs: HTTP_WAIT_MS,
    closeTimeoutMs: GRACE_MS,
    shutdownGraceMs: GRACE_MS,
  });

  let stopSampling = (): void => {};
  return {
    token,
    async listen(port = 0, host = "127.0.0.1") {
      access.listensOn(host);
      const listening = await own.listen(port, host);
      lag.start();
      stopSampling = sampler.start((sample) => feed.onSample(sample));
      const at = { url: new URL("/", listening.url.replace(/^ws/, "http")).href, host, port: listening.port };
      log.listening(isTokenGiven ? at : { ...at, token });
      return at;
    },
    async close() {
      await own.close({ reason: "the server has ended" });
      stopSampling();
      feed.stop();
      lag.stop();
      // One that was handed in is its owner's to end.
      if (given.metrics === undefined) metrics.stop();
    },
  };
}

/** This one, or the workers; undefined for a server without a hub, which is one of nothing. */
function nodesOf(server: OwnNode | Gathered, hub: AdminHub | undefined): (() => readonly NodeReport[]) | undefined {
  if (server instanceof Gathered) return () => server.nodes();
  if (hub === undefined) return undefined;
  const name = `${hostname()}, process ${process.pid}`;
  return () => [ownNode(server, hub.stats, name)];
}
