/** The options that the command adds to the library's, as the same kind of data (see ../server/option-rules.ts). */
import type { OptionGroup, ValueRule } from "../index.js";

export interface SettingRule extends ValueRule {
  readonly group: OptionGroup | "Serving";
  /** The value names a file: in a config file, one beside it. */
  readonly isFile?: true;
}

const isOneLine = (value: string): boolean => value.length > 0 && !/[\p{Cc}]/u.test(value);

export type OwnName = "host" | "port" | "echo" | "page" | "tlsCert" | "tlsKey" | "logFormat";

export const ownRules: Readonly<Record<OwnName, SettingRule>> = {
  host: {
    kind: "string",
    group: "Serving",
    help: "address to listen on; 0.0.0.0 or :: for every one of the machine",
    // Nobody is reachable from outside by accident.
    default: "127.0.0.1",
    form: "a host name or an IP address",
    accepts: (value) => /^[^\s/[\]]{1,253}$/.test(value),
  },
  port: {
    kind: "integer",
    group: "Serving",
    help: "port to listen on; 0: a free one",
    default: 8080,
    min: 0,
    max: 65_535,
  },
  echo: {
    kind: "boolean",
    group: "Serving",
    help: "send each message back to its sender, in place of rooms",
    default: false,
  },
  page: { kind: "boolean", group: "Serving", help: "serve the page to try it in a browser", default: true },
  tlsCert: {
    kind: "string",
    group: "Serving",
    help: "certificate chain in PEM: serve wss://; read again on SIGHUP",
    form: "the name of a file",
    accepts: isOneLine,
    isFile: true,
  },
  tlsKey: {
    kind: "string",
    group: "Serving",
    help: "the certificate's private key in PEM",
    form: "the name of a file",
    accepts: isOneLine,
    isFile: true,
  },
  logFormat: {
    kind: "choice",
    group: "Logging",
    help: "auto: pretty on a terminal, JSON lines otherwise",
    default: "auto",
    choices: ["auto", "pretty", "json"],
  },
};
