/** `HAWSER_*` environment variables: one for each option, and none that is not an option. */
import { didYouMean } from "hawser/tools";
import { ConfigError, printable, type Source } from "./config-error.js";
import { CONFIG_ENV, type Setting, settings } from "./settings.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of `hawser connect --hub`, and so no option of the server's. */
export const TOKEN_ENV = "HAWSER_CONNECT_TOKEN";

export interface EnvironmentEntry {
  readonly setting: Setting;
  readonly text: string;
  readonly source: Source;
}

/** @throws ConfigError for a variable that is no option: a misspelt limit would otherwise be a limit that is not there. */
export function readEnvironment(environment: Environment): EnvironmentEntry[] {
  const known = new Map([...settings.values()].map((setting) => [setting.env, setting]));
  const entries: EnvironmentEntry[] = [];
  for (const variable of Object.keys(environment).toSorted()) {
    const text = environment[variable];
    if (
      text === undefined ||
      !variable.startsWith("HAWSER_") ||
      variable === CONFIG_ENV ||
      variable === TOKEN_ENV ||
      isServiceLink(variable, text)
    )
      continue;
    const setting = known.get(variable);
    if (setting === undefined) {
      const hint = didYouMean(variable, [CONFIG_ENV, ...known.keys()]);
      throw new ConfigError(`environment variable ${printable(variable)}: there is no such option${hint}`);
    }
    entries.push({ setting, text, source: { from: "environment", variable } });
  }
  return entries;
}

/**
 * Kubernetes describes a service called "hawser" to every pod of its namespace in variables such as HAWSER_SERVICE_HOST and
 * HAWSER_PORT=tcp://10.0.0.1:80, and Docker's links do the same. They are not meant for us.
 */
function isServiceLink(variable: string, text: string): boolean {
  if (/^HAWSER_(SERVICE_(HOST|PORT)(_|$)|PORT_\d+_(TCP|UDP|SCTP)(_|$)|ENV_|NAME$)/.test(variable)) return true;
  return variable === "HAWSER_PORT" && /^(tcp|udp|sctp):\/\//.test(text);
}
