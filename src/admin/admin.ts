import { createServer, Refuse, type Server } from "../index.js";
import { createMetrics } from "../metrics/index.js";
import { Access } from "./access.js";
import { Actions } from "./actions.js";
import { readAssets } from "./assets.js";
import { EventLoopLag } from "./event-loop.js";
import { Feed, type Viewer } from "./feed.js";
import { adminHandler } from "./http.js";
import { AdminLog } from "./log.js";
import { type AdminOptions, resolveAdminOptions } from "./options.js";
import { Sampler } from "./sampler.js";
import { FailedTries } from "./tries.js";

/** Where an admin listener listens. */
export interface AdminListening {
  /** Of the dashboard: `http://127.0.0.1:9090/`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
}

/** The admin listener of a server. */
export interface Admin {
  /** What actions need, and what the dashboard takes in its address as well: `http://…/#token=…`. */
  readonly token: string;
  /**
   * Listens. Where other machines can reach the address, all but the probes and the page itself needs the token.
   * @param port 0 takes a free one
   * @param host the address to listen on @default 127.0.0.1
   * @throws what `node:net` emits; UsageError when it listens already or has been closed
   */
  listen(port?: number, host?: string): Promise<AdminListening>;
  /** Ends it: dashboards get 1001. Last of all, so that `/readyz` can say until then that the server is going. */
  close(): Promise<void>;
}

/** Dashboards that may be open at once. */
const MOST_DASHBOARDS = 32;
const GRACE_MS = 1000;

/**
 * Makes the admin listener of a server: `/healthz`, `/readyz`, `/metrics` and the dashboard at `/`. It does nothing before `listen`.
 * @throws OptionError, UsageError
 */
export function createAdmin<Data>(server: Server<Data>, options: AdminOptions = {}): Admin {
  const { token, isTokenGiven, allowedHosts, logger, logTail, tryUrl, clock, ...given } = resolveAdminOptions(options);
  const metrics = given.metrics ?? createMetrics(server);
  const log = new AdminLog(logger, clock);
  const access = new Access(token, allowedHosts);
  const tries = new FailedTries(clock);
  const lag = new EventLoopLag();
  const sampler = new Sampler(server, () => lag.take(), clock);
  const actions = new Actions(server.clients, log);
  const feed = new Feed({
    watched: server,
    history: sampler.history,
    access,
    tries,
    actions,
    log,
    logTail,
    token,
    tryUrl,
    clock,
    publish: (topic, payload) => void own.publish(topic, payload),
  });

  // A Hawser server itself, so that every limit of the server holds for its admin listener as well.
  const own: Server<Viewer> = createServer<Viewer>({
    path: "/live",
    authenticate: ({ raw }) => {
      const refused = access.refuse(raw);
      if (refused !== null) throw new Refuse(refused.status, refused.message);
      const mayAct = access.bearsToken(raw) === true;
      return { mayRead: mayAct || access.mayRead(raw), mayAct, second: { since: -Infinity, requests: 0 } };
    },
    ...feed.handlers,
    request: adminHandler({ server, access, tries, metrics, assets: readAssets(), log }),
    logger: log.forOwnServer(),
    maxClients: MOST_DASHBOARDS,
    maxPendingHandshakes: MOST_DASHBOARDS,
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
