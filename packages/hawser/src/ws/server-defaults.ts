/** What servers have where nobody says anything else, for programs that cannot be edited: `WebSocketServer.setDefaults`. */
import { OptionError } from "../server/base/usage-error.js";
import { didYouMean } from "../server/options/nearest.js";
import { engineOptions, SAFETY, type ServerOptions } from "./server-options.js";

/** Those options that are not about one server alone. */
type DefaultName = (typeof SAFETY)[number] | "maxPayload" | "closeTimeout" | "perMessageDeflate" | "throwUnhandled";
const NAMES: readonly DefaultName[] = [...SAFETY, "maxPayload", "closeTimeout", "perMessageDeflate", "throwUnhandled"];

/** What `WebSocketServer.setDefaults` takes. */
export type ServerDefaults = Pick<ServerOptions, DefaultName>;

/** Each excludes the other. */
const ORIGINS: readonly DefaultName[] = ["allowedOrigins", "dangerouslyAllowAnyOrigin"];

let defaults: ServerDefaults = {};
let areThereServers = false;

/** See `WebSocketServer.setDefaults`. @throws OptionError */
export function setDefaults(given: ServerDefaults): void {
  for (const [name, value] of Object.entries(given)) {
    if (!(NAMES as readonly string[]).includes(name))
      throw new OptionError(name, value, `nothing: it is no default${didYouMean(name, NAMES)}`);
  }
  engineOptions(given, {});
  defaults = { ...given };
  if (!areThereServers) return;
  process.emitWarning(
    "WebSocketServer.setDefaults is for servers that are made after it: those that are there already go without. Call it before the modules that make servers are loaded.",
    "WebSocketWarning",
  );
}

/** The options of a server, and the defaults that it has for what it was not given. */
export function withDefaults<Options extends ServerDefaults>(given: Options): Options {
  areThereServers = true;
  const options = { ...given };
  const hasOrigins = ORIGINS.some((name) => given[name] !== undefined);
  for (const name of NAMES) {
    if (given[name] === undefined && defaults[name] !== undefined && !(hasOrigins && ORIGINS.includes(name)))
      Object.assign(options, { [name]: defaults[name] });
  }
  return options;
}
