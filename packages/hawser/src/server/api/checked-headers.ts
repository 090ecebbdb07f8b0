import { UsageError } from "../base/usage-error.js";
import { type ExtraHeaders, headerFault, type HeaderPairs } from "./headers.js";

/** The headers that a `Refuse` was given, as a copy: what is written is what was looked at. @throws UsageError */
export function checkedHeaders(headers: ExtraHeaders | HeaderPairs): ExtraHeaders {
  const copy = entriesOf(headers).map(([name, value]): [string, ExtraHeaders[string]] => {
    // From JavaScript, `Retry-After: 5` is a number.
    const values = [value].flat().map((each: unknown) => (typeof each === "number" ? String(each) : each));
    const fault = headerFault(name, "") ?? values.map((each) => headerFault(name, each)).find((one) => one !== null);
    if (fault !== undefined) throw new UsageError(`Refuse: the header ${JSON.stringify(name)} ${fault}`);
    return [name, Array.isArray(value) ? Object.freeze(values as string[]) : (values[0] as string)];
  });
  return Object.freeze(Object.fromEntries(copy));
}

/** @throws UsageError for what has no headers where they are looked for: none is to be left out in silence */
function entriesOf(headers: ExtraHeaders | HeaderPairs): [string, unknown][] {
  if (typeof headers === "object" && headers !== null) {
    if (Symbol.iterator in headers) return joinPairs(headers);
    const prototype = Object.getPrototypeOf(headers) as object | null;
    const entries = Object.entries(headers);
    // A plain object may be of another realm.
    if (entries.length > 0 || prototype === null || Object.getPrototypeOf(prototype) === null) return entries;
  }
  throw new UsageError("Refuse: headers takes an object of names and values, a Headers or a list of pairs");
}

/** A `Headers` has `Set-Cookie` once for each value. */
function joinPairs(pairs: HeaderPairs): [string, unknown][] {
  const byName = new Map<string, [name: string, values: unknown[]]>();
  for (const pair of pairs) {
    if (!Array.isArray(pair) || typeof pair[0] !== "string") {
      throw new UsageError("Refuse: headers takes pairs of a name and a value");
    }
    const [name, value] = pair as unknown as [string, unknown];
    const known = byName.get(name.toLowerCase());
    if (known === undefined) byName.set(name.toLowerCase(), [name, [value].flat()]);
    else known[1].push(...[value].flat());
  }
  return [...byName.values()].map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
}
