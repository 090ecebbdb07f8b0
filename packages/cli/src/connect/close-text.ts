/** A close code in words. */
import { printable } from "hawser/tools";

const words: Readonly<Record<number, string>> = {
  1000: "normal",
  1001: "going away",
  1002: "protocol error",
  1003: "unsupported data",
  1005: "no code given",
  1006: "no close frame",
  1007: "invalid data",
  1008: "policy violation",
  1009: "message too big",
  1010: "extension missing",
  1011: "internal error",
  1012: "service restart",
  1013: "try again later",
  1014: "bad gateway",
};

/** `1008 (policy violation) "no such room"` */
export function closeText(code: number, reason: string): string {
  const meaning =
    words[code] ?? (code >= 4000 ? "private to the application" : code >= 3000 ? "of a library" : "reserved");
  return `${code} (${meaning})${reason === "" ? "" : ` ${printable(JSON.stringify(reason))}`}`;
}
