/** The options that the command adds to the library's, as the same kind of data (see packages/hawser/src/server/options/rules.ts). */
import { allowedHostsRule, engineGraceRule, readyWithoutEngineRule, tokenRule } from "@hawser/admin";
import type { OptionGroup, ValueRule } from "hawser/tools";

export interface SettingRule extends ValueRule {
  readonly group: OptionGroup | "Serving" | "Topics" | "Admin listener";
  /** The value names a file: in a config file, one beside it. */
  readonly isFile?: true;
  /** A secret: no message shows it. */
  readonly isSecret?: true;
  /** In a config file it may stand as a number, too. */
  readonly orNumber?: true;
  /** A flag could be read by every user of the machine. */
  readonly hasNoFlag?: true;
}

/** A certificate or key in place of the name of its file is a mistake that is made. */
const isFileName = (value: string): boolean =>
  value.length > 0 && !/\p{Cc}/u.test(value) && !value.includes("-----BEGIN");

/** Those of rooms as topics: none of them goes with --echo. */
export type HubName =
  | "historySize"
  | "historyTtlMs"
  | "presence"
  | "tokenSecret"
  | "jwks"
  | "audience"
  | "issuer"
  | "publishKey"
  | "hubBase"
  | "broker"
  | "brokerPrefix"
  | "dangerouslyAllowInsecureBroker"
  | "clusterSecret"
  | "readyWithoutEngine"
  | "engineGraceMs";

export type OwnName =
  | "host"
  | "port"
  | "socket"
  | "socketMode"
  | "echo"
  | "page"
  | "healthOnMainPort"
  | "workers"
  | HubName
  | "tlsCert"
  | "tlsKey"
  | "logFormat"
  | "adminPort"
  | "adminHost"
  | "adminToken"
  | "adminAllowedHosts";

const isHost = (value: string): boolean => /^[^\s/[\]]{1,253}$/.test(value);

/** What a secret's help ends with. */
const better = (variable: string): string =>
  `; better given by ${variable}, since others on the machine can read a command line`;

const isParty = (value: string): boolean => value.length > 0 && !/\p{Cc}/u.test(value);

const hubRules: Readonly<Record<HubName, SettingRule>> = {
  historySize: {
    kind: "integer",
    group: "Topics",
    help: "messages of each room that are kept for clients of hawser.v1 that come back; 0: none",
    // A few minutes of a busy room. What all rooms together hold is bounded in bytes.
    default: 100,
    min: 0,
    max: 100_000,
  },
  historyTtlMs: {
    kind: "integer",
    unit: "milliseconds",
    group: "Topics",
    help: "how long they are kept",
    // A phone in a tunnel is back by then.
    default: 300_000,
    min: 1,
    max: 7 * 86_400_000,
  },
  presence: {
    kind: "boolean",
    group: "Topics",
    help: "tell clients of hawser.v1 who is in a room",
    default: false,
  },
  tokenSecret: {
    kind: "string",
    group: "Topics",
    help: `let in who has a token signed with this secret (HS256)${better("HAWSER_TOKEN_SECRET")}`,
    form: "32 bytes or more, random ones",
    // A public key is known to everybody.
    accepts: (value) => Buffer.byteLength(value) >= 32 && !value.includes("-----BEGIN "),
    isSecret: true,
  },
  jwks: {
    kind: "string",
    group: "Topics",
    help: "let in who has a token signed with a key of the set at this URL; needs an audience",
    form: "a URL that begins with https://, or http:// on this machine, without a name or a password",
    accepts: isKeySetUrl,
  },
  audience: {
    kind: "string",
    group: "Topics",
    help: "whom tokens have to be for (aud)",
    form: "text",
    accepts: isParty,
  },
  issuer: {
    kind: "string",
    group: "Topics",
    help: "whom tokens have to be from (iss)",
    form: "text",
    accepts: isParty,
  },
  publishKey: {
    kind: "string",
    group: "Topics",
    help: `key of the HTTP API, by which backends publish${better("HAWSER_PUBLISH_KEY")}`,
    form: "16 to 256 letters, digits and - . _ ~ + /, random ones",
    accepts: (value) => /^[\w.~+/-]{16,256}={0,2}$/.test(value),
    isSecret: true,
  },
  hubBase: {
    kind: "string",
    group: "Topics",
    help: "path of the HTTP API",
    default: "/hub",
    form: "a path such as /hub, without a slash at its end",
    accepts: (value) => /^(?:\/[\w.~-]+)+$/.test(value),
  },
  broker: {
    kind: "string",
    group: "Topics",
    help: `engine that several nodes share: Redis or NATS; the password in its URL is${better("HAWSER_BROKER").slice(1)}`,
    defaultText: "the memory of this process",
    form: "a URL that begins with redis://, rediss://, redis+sentinel://, rediss+sentinel://, nats:// or tls://",
    accepts: (value) => /^(?:rediss?(?:\+sentinel)?|nats|tls):\/\/[^\s\p{Cc}]+$/u.test(value),
    // There may be a password in it.
    isSecret: true,
  },
  brokerPrefix: {
    kind: "string",
    group: "Topics",
    help: "what all names in the engine begin with; nodes with another prefix know nothing of these",
    default: "hawser",
    form: "1 to 64 letters, digits, - and _",
    accepts: (value) => /^[\w-]{1,64}$/.test(value),
  },
  dangerouslyAllowInsecureBroker: {
    kind: "string",
    group: "Topics",
    help: "use an engine on another machine without TLS or without a password; takes a reason",
    defaultText: "refused",
    form: "a reason, as text",
    accepts: (value) => value.trim() !== "",
  },
  clusterSecret: {
    kind: "string",
    group: "Topics",
    help: `what nodes on one engine tell each other is signed with this secret, which they share${better("HAWSER_CLUSTER_SECRET")}`,
    form: "32 bytes or more, random ones",
    accepts: (value) => Buffer.byteLength(value) >= 32,
    isSecret: true,
  },
  readyWithoutEngine: { ...readyWithoutEngineRule, group: "Topics" },
  engineGraceMs: { ...engineGraceRule, group: "Topics" },
};

export const hubNames: readonly string[] = Object.keys(hubRules);

/** As `jwt` of @hawser/jwt takes it. */
function isKeySetUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password, href } = new URL(value);
  if (username !== "" || password !== "" || /[{}]|%7[bd]/i.test(href)) return false;
  const isLocal = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === "https:" || (protocol === "http:" && isLocal);
}

export const ownRules: Readonly<Record<OwnName, SettingRule>> = {
  host: {
    kind: "string",
    group: "Serving",
    help: "address to listen on; 0.0.0.0 or :: for every one of the machine",
    // Nobody is reachable from outside by accident.
    default: "127.0.0.1",
    form: "a host name or an IP address",
    accepts: isHost,
  },
  port: {
    kind: "integer",
    group: "Serving",
    help: "port to listen on; 0: a free one",
    default: 8080,
    min: 0,
    max: 65_535,
  },
  socket: {
    kind: "string",
    group: "Serving",
    help: "listen on this Unix socket, in place of an address and a port",
    form: "the name of a file",
    accepts: isFileName,
    isFile: true,
  },
  socketMode: {
    kind: "string",
    group: "Serving",
    help: "permissions of that socket, in octal: who may connect",
    // A proxy's user can be made a member of the server's group; nobody else gets in.
    default: "660",
    form: 'three octal digits as text, such as "660"',
    accepts: (value) => /^0?[0-7]{3}$/.test(value),
  },
  echo: {
    kind: "boolean",
    group: "Serving",
    help: "send each message back to its sender, in place of rooms",
    default: false,
  },
  page: { kind: "boolean", group: "Serving", help: "serve the page to try it in a browser", default: true },
  healthOnMainPort: {
    kind: "boolean",
    group: "Serving",
    help: "answer /healthz and /readyz on this port as well",
    default: false,
  },
  ...hubRules,
  workers: {
    kind: "string",
    group: "Serving",
    help: "serve by so many processes, which share all rooms; auto: one for each processor",
    defaultText: "this process alone",
    form: '"auto" or a whole number from 1 to 1024',
    accepts: (value) => value === "auto" || (/^[1-9]\d{0,3}$/.test(value) && Number(value) <= 1024),
    orNumber: true,
  },
  tlsCert: {
    kind: "string",
    group: "Serving",
    help: "certificate chain in PEM: serve wss://; read again on SIGHUP",
    form: "the name of a file",
    accepts: isFileName,
    isFile: true,
  },
  tlsKey: {
    kind: "string",
    group: "Serving",
    help: "the certificate's private key in PEM",
    form: "the name of a file",
    accepts: isFileName,
    isFile: true,
  },
  logFormat: {
    kind: "choice",
    group: "Logging",
    help: "auto: pretty on a terminal, JSON lines otherwise",
    default: "auto",
    choices: ["auto", "pretty", "json"],
  },
  adminPort: {
    kind: "integer",
    group: "Admin listener",
    help: "serve /metrics, /healthz, /readyz and a live dashboard on this port; 0: a free one",
    min: 0,
    max: 65_535,
  },
  adminHost: {
    kind: "string",
    group: "Admin listener",
    help: "address that it listens on; any but this machine's own needs the token for reading, too",
    // What it can do is for the operator: nobody else reaches it by accident.
    default: "127.0.0.1",
    form: "a host name or an IP address",
    accepts: isHost,
  },
  adminToken: { ...tokenRule, group: "Admin listener", isSecret: true, hasNoFlag: true },
  adminAllowedHosts: { ...allowedHostsRule, group: "Admin listener" },
};
