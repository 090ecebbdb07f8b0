import type { ContractDefinition } from "@hawser/wire";
import type { Call } from "../hub-context.js";
import type { HubOptions } from "../hub-options.js";

/** The calls that clients may make, by name. */
export function callsOf({ contract, calls = {} }: HubOptions<ContractDefinition, never>): ReadonlyMap<string, Call> {
  return new Map(
    Object.entries(calls).map(([name, handler]) => [
      name,
      { definition: contract?.calls?.[name] ?? {}, handler: handler as Call["handler"] },
    ]),
  );
}
