import { randomBytes } from "node:crypto";
import { type Clock, type Logger, OptionError, systemClock, UsageError } from "hawser";
import { checkValue, type ValueRule } from "hawser/tools";
import type { Metrics } from "./metrics/index.js";
import type { AdminHub } from "./hub.js";
import { ENGINE_GRACE_MS } from "./health.js";
import type { LogTail } from "./log-tail.js";
import type { NodeReport } from "./nodes.js";

/** All optional. Checked by `createAdmin`. */
export interface AdminOptions {
  /**
   * What actions need. Where one is given, or the listener is not this machine's alone, reading needs it as well: give one when anything
   * stands in front of the listener. @default 192 random bits
   */
  token?: string | undefined;
  /** Names under which the listener may be asked for besides those of this machine: a proxy's, say. @default [] */
  allowedHosts?: readonly string[] | undefined;
  /** Gets the events of `adminLogEvents`. @default none */
  logger?: Logger | undefined;
  /** The log lines that the dashboard shows. @default none */
  logTail?: LogTail | undefined;
  /** What `/metrics` answers with. @default createMetrics(server), which ends with the listener */
  metrics?: Metrics | undefined;
  /** The server's hub: its topics are on the dashboard, its metrics among the others, and `/readyz` asks for its engine. @default none */
  hub?: AdminHub | undefined;
  /** `/readyz` is 200 without the engine too: for clients that can do without it for as long as it takes. @default false */
  readyWithoutEngine?: boolean | undefined;
  /** For so long the engine may be away, in milliseconds, before `/readyz` is 503. @default 10000 */
  engineGraceMs?: number | undefined;
  /** The nodes that the dashboard shows: those of a supervisor or a cluster. @default this one alone, where there is a hub */
  nodes?: (() => readonly NodeReport[]) | undefined;
  /** A page to try the server in, which the dashboard names while no client is connected. */
  tryUrl?: (() => string | undefined) | undefined;
  /** The clock that the server was made with. @default the system's */
  clock?: Clock | undefined;
}

/** The same with everything in place. */
export interface ResolvedAdminOptions {
  readonly token: string;
  /** Whether the token was chosen by somebody, who knows it, and need not be shown. */
  readonly isTokenGiven: boolean;
  readonly allowedHosts: readonly string[];
  readonly logger: Logger;
  readonly logTail: LogTail | undefined;
  readonly metrics: Metrics | undefined;
  readonly hub: AdminHub | undefined;
  readonly readyWithoutEngine: boolean;
  readonly engineGraceMs: number;
  readonly nodes: (() => readonly NodeReport[]) | undefined;
  readonly tryUrl: () => string | undefined;
  readonly clock: Clock;
}

/** Long enough that nobody guesses it, and without characters that a header or a URL would change. */
export const tokenRule: ValueRule = {
  kind: "string",
  help: "what actions and, once it is given, reading need",
  form: "16 to 256 letters, digits and - . _ ~",
  accepts: (value) => /^[\w.~-]{16,256}$/.test(value),
};

export const allowedHostsRule: ValueRule = {
  kind: "list",
  help: "name of the listener besides those of this machine",
  default: [],
  form: "a host name or an IP address, without a port",
  accepts: (value) => /^([a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?|\[?[0-9a-f:.]+\]?)$/i.test(value),
};

export const readyWithoutEngineRule: ValueRule = {
  kind: "boolean",
  help: "/readyz is 200 without the engine, too: clients stay, and are told that messages wait",
  default: false,
};

export const engineGraceRule: ValueRule = {
  kind: "integer",
  help: "the engine may be away for so long before /readyz says so",
  default: ENGINE_GRACE_MS,
  unit: "milliseconds",
  min: 0,
  max: 3_600_000,
};

const TOKEN_BYTES = 24;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const names: ReadonlySet<string> = new Set<keyof AdminOptions>([
  "token",
  "allowedHosts",
  "logger",
  "logTail",
  "metrics",
  "hub",
  "readyWithoutEngine",
  "engineGraceMs",
  "nodes",
  "tryUrl",
  "clock",
]);

/** @throws OptionError, UsageError */
export function resolveAdminOptions(options: AdminOptions): ResolvedAdminOptions {
  for (const name of Object.keys(options)) if (!names.has(name)) throw new UsageError(`there is no option "${name}"`);
  const { token, allowedHosts = [], logger = silent, logTail, metrics, tryUrl, clock = systemClock } = options;
  const { hub, nodes, readyWithoutEngine = false, engineGraceMs = ENGINE_GRACE_MS } = options;
  if (token !== undefined) checkToken(token);
  checkValue("allowedHosts", allowedHostsRule, allowedHosts);
  checkValue("readyWithoutEngine", readyWithoutEngineRule, readyWithoutEngine);
  checkValue("engineGraceMs", engineGraceRule, engineGraceMs);
  return Object.freeze({
    token: token ?? randomBytes(TOKEN_BYTES).toString("base64url"),
    isTokenGiven: token !== undefined,
    allowedHosts: [...allowedHosts],
    logger,
    logTail,
    metrics,
    hub,
    readyWithoutEngine,
    engineGraceMs,
    nodes,
    tryUrl: tryUrl ?? (() => undefined),
    clock,
  });
}

/** Says what is wrong without saying what was given: it is a secret. */
function checkToken(token: string): void {
  try {
    checkValue("token", tokenRule, token);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new UsageError(`token: takes ${error.takes}`);
  }
}
