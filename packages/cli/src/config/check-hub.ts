/** Options of rooms that are fine alone and wrong together. */
import type { Given } from "./check-setting.js";
import { ConfigError, sourceText } from "./config-error.js";
import { type HubName, hubNames } from "./own-options.js";

/** They say something of the engine. */
const BROKER_NAMES: readonly HubName[] = [
  "brokerPrefix",
  "dangerouslyAllowInsecureBroker",
  "clusterSecret",
  "readyWithoutEngine",
  "engineGraceMs",
];

/** @throws ConfigError: the first thing that is wrong */
export function checkHub(given: ReadonlyMap<string, Given>): void {
  const from = (name: string): string => `given by ${sourceText(given.get(name)!.source)}`;
  if (given.get("echo")?.value === true) {
    const other = hubNames.find((name) => given.has(name));
    if (other === undefined) return;
    throw new ConfigError(
      `${other}: ${from(other)} with echo, ${from("echo")}: where messages go back there are no rooms`,
    );
  }
  if (given.has("tokenSecret") && given.has("jwks")) {
    throw new ConfigError(`jwks: ${from("jwks")} with tokenSecret, ${from("tokenSecret")}; takes one of the two`);
  }
  if (given.has("jwks") && !given.has("audience")) {
    throw new ConfigError(`jwks: ${from("jwks")} without audience: an issuer's keys sign tokens for others as well`);
  }
  // Somebody who names the audience of tokens believes that they are asked for.
  for (const name of ["audience", "issuer"]) {
    if (given.has(name) && !given.has("tokenSecret") && !given.has("jwks"))
      throw new ConfigError(`${name}: ${from(name)} without tokenSecret or jwks; no tokens are asked for`);
  }
  for (const name of BROKER_NAMES) {
    if (given.has(name) && !given.has("broker"))
      throw new ConfigError(`${name}: ${from(name)} without broker; topics are in the memory of this process`);
  }
  if (
    given.get("healthOnMainPort")?.value === true &&
    /^\/(?:healthz|readyz)$/.test(String(given.get("hubBase")?.value))
  )
    throw new ConfigError(`hubBase: ${from("hubBase")} with healthOnMainPort, which answers there`);
}
