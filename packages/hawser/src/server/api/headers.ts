import { isToken } from "../../protocol/tokens.js";

/** Headers that the application adds to a response of ours: several values are several lines. */
export type ExtraHeaders = Readonly<Record<string, string | readonly string[]>>;

/** A `Headers`, a `Map` or a list of pairs. */
export type HeaderPairs = Iterable<readonly [name: string, value: string | readonly string[]]>;

/** RFC 9110 5.5. A control character in a value would let it write further header lines. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Where the message ends and what becomes of the connection is the server's to say: a second word on it breaks the response. */
const OURS = /^(?:connection|upgrade|content-length|transfer-encoding|trailer|sec-websocket-.*)$/i;

/** Why a response of ours cannot have this header; null: it can. */
export function headerFault(name: string, value: unknown): string | null {
  if (!isToken(name)) return "is no name of a header";
  if (OURS.test(name)) return "is set by the server itself";
  return typeof value === "string" && VALUE.test(value) ? null : "has a value that no header can have";
}

/** As lines. Names are the same whatever their case, and what `extra` has takes the place of what `defaults` has. */
export function headerLines(defaults: ExtraHeaders, extra: ExtraHeaders): string[] {
  const byName = new Map<string, string[]>();
  for (const [name, value] of [...Object.entries(defaults), ...Object.entries(extra)]) {
    const values = typeof value === "string" ? [value] : value;
    byName.set(
      name.toLowerCase(),
      values.map((each) => `${name}: ${each}`),
    );
  }
  return [...byName.values()].flat();
}
