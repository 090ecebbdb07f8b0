/** Puts the configuration together: flag before environment variable before config file before default. */
import { type Handlers, type ListenTarget, OptionError, type ServerOptions, UsageError } from "hawser";
import { resolveOptions } from "hawser/tools";
import { type Given, takeText, takeValue } from "./check-setting.js";
import { ConfigError, type Source, sourceText, wrongValue } from "./config-error.js";
import { parseConfigFile } from "./config-file.js";
import { checkHub } from "./check-hub.js";
import { checkWorkers } from "./check-workers.js";
import { type Environment, readEnvironment } from "./environment.js";
import { readNamedFile } from "./named-file.js";
import { ownRules } from "./own-options.js";
import { placeOf } from "./place.js";
import { CONFIG_ENV, type Setting } from "./settings.js";

/** What the command line says about one option. */
export interface FlagEntry {
  readonly setting: Setting;
  /** Text, or texts for a list, or whether a switch is on. */
  readonly value: string | readonly string[] | boolean;
  /** As it was written: `--no-compression`. */
  readonly flag: string;
}

export interface OwnValues {
  readonly host: string;
  readonly port: number;
  /** Undefined: it listens on host and port. */
  readonly socket: string | undefined;
  /** In octal. */
  readonly socketMode: string;
  readonly echo: boolean;
  readonly page: boolean;
  readonly healthOnMainPort: boolean;
  /** A number, or `auto`. Undefined: there is one process, and no supervisor. */
  readonly workers: string | undefined;
  readonly historySize: number;
  readonly historyTtlMs: number;
  readonly presence: boolean;
  readonly tokenSecret: string | undefined;
  readonly jwks: string | undefined;
  readonly audience: string | undefined;
  readonly issuer: string | undefined;
  readonly publishKey: string | undefined;
  readonly hubBase: string;
  /** Undefined: the memory of this process. */
  readonly broker: string | undefined;
  readonly brokerPrefix: string;
  readonly dangerouslyAllowInsecureBroker: string | undefined;
  readonly clusterSecret: string | undefined;
  readonly readyWithoutEngine: boolean;
  readonly engineGraceMs: number;
  readonly logFormat: "auto" | "pretty" | "json";
  /** Undefined: there is no admin listener. */
  readonly adminPort: number | undefined;
  readonly adminHost: string;
  readonly adminToken: string | undefined;
  readonly adminAllowedHosts: readonly string[];
}

/** The library's options but for those that are functions of each client's. */
export type WrittenOptions = Omit<ServerOptions, "authenticate" | "data" | keyof Handlers<undefined>>;

export interface Configuration {
  /** What was given, wherever, by option name; what is missing has its default. */
  readonly given: ReadonlyMap<string, Given>;
  readonly own: OwnValues;
  readonly place: ListenTarget;
  /** What was given of the library's options: each fits, and they fit together. */
  readonly server: WrittenOptions;
}

/** @throws ConfigError: the first thing that is wrong */
export function configure(
  flags: readonly FlagEntry[],
  configFlag: string | undefined,
  environment: Environment,
  pid: number = process.pid,
): Configuration {
  const given = new Map<string, Given>();
  // From the weakest to the strongest. A value that a stronger one replaces is checked all the same: a mistake is a mistake.
  for (const { setting, value, source } of readFile(configFlag, environment)) {
    given.set(setting.name, takeValue(setting, value, source));
  }
  for (const { setting, text, source } of readEnvironment(environment)) {
    given.set(setting.name, takeText(setting, text, source));
  }
  for (const { setting, value, flag } of flags) {
    const source: Source = { from: "flag", flag };
    given.set(
      setting.name,
      typeof value === "string" ? takeText(setting, value, source) : takeValue(setting, value, source),
    );
  }

  const own: Record<string, unknown> = {};
  const server: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(ownRules)) own[name] = rule.default;
  for (const [name, { value }] of given) (Object.hasOwn(ownRules, name) ? own : server)[name] = value;
  checkTogether(server, given);
  const ownValues = own as unknown as OwnValues;
  const place = placeOf(ownValues, environment, pid);
  checkAdmin(given, ownValues, place);
  checkHub(given);
  checkWorkers(ownValues.workers, given);
  return { given, own: ownValues, place, server };
}

function readFile(configFlag: string | undefined, environment: Environment): ReturnType<typeof parseConfigFile> {
  const file = configFlag ?? environment[CONFIG_ENV];
  if (file === undefined) return [];
  const toldBy: Source =
    configFlag === undefined ? { from: "environment", variable: CONFIG_ENV } : { from: "flag", flag: "--config" };
  return parseConfigFile(file, readNamedFile("config", file, toldBy));
}

/** Values that are fine alone and wrong together: the library knows which, and we know where each came from. */
function checkTogether(server: WrittenOptions, given: ReadonlyMap<string, Given>): void {
  try {
    resolveOptions(server);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (!(error instanceof OptionError)) throw new ConfigError(`${error.message}${origins(error.message, given)}`);
    const source = given.get(error.option)?.source ?? { from: "default" };
    const { message } = wrongValue(error.option, error.value, source, error.takes);
    throw new ConfigError(`${message}${origins(error.takes, given)}`);
  }
}

function checkAdmin(given: ReadonlyMap<string, Given>, { adminHost, adminPort }: OwnValues, place: ListenTarget): void {
  const isSame = "port" in place && adminPort === place.port && adminHost === place.host;
  if (adminPort !== undefined && adminPort !== 0 && isSame)
    throw wrongValue("adminPort", adminPort, given.get("adminPort")!.source, "a port other than that of the clients");
  if (adminPort !== undefined) return;
  // Somebody who protects a listener that is not there believes that something is protected.
  for (const [name, { source }] of given) {
    if (name.startsWith("admin"))
      throw new ConfigError(`${name}: given by ${sourceText(source)} without adminPort; there is no admin listener`);
  }
}

/** " (pongWaitMs from flag --pong-wait-ms)" for each option that the text names and somebody has set. */
function origins(text: string, given: ReadonlyMap<string, Given>): string {
  const named = [...given].filter(([name]) => new RegExp(`\\b${name}\\b`).test(text));
  const all = named.map(([name, { source }]) => `${name} from ${sourceText(source)}`);
  return all.length === 0 ? "" : ` (${all.join(", ")})`;
}
