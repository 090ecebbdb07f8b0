/** The options that the command adds to the library's, as the same kind of data (see packages/hawser/src/server/options/rules.ts). */
import { allowedHostsRule, tokenRule } from "@hawser/admin";
import type { OptionGroup, ValueRule } from "hawser/tools";

export interface SettingRule extends ValueRule {
  readonly group: OptionGroup | "Serving" | "Admin listener";
  /** The value names a file: in a config file, one beside it. */
  readonly isFile?: true;
  /** A secret: it has no flag, which every user of the machine could read, and no message shows it. */
  readonly isSecret?: true;
}

/** A certificate or key in place of the name of its file is a mistake that is made. */
const isFileName = (value: string): boolean =>
  value.length > 0 && !/\p{Cc}/u.test(value) && !value.includes("-----BEGIN");

export type OwnName =
  | "host"
  | "port"
  | "socket"
  | "socketMode"
  | "echo"
  | "page"
  | "healthOnMainPort"
  | "tlsCert"
  | "tlsKey"
  | "logFormat"
  | "adminPort"
  | "adminHost"
  | "adminToken"
  | "adminAllowedHosts";

const isHost = (value: string): boolean => /^[^\s/[\]]{1,253}$/.test(value);

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
  adminToken: { ...tokenRule, group: "Admin listener", isSecret: true },
  adminAllowedHosts: { ...allowedHostsRule, group: "Admin listener" },
};
