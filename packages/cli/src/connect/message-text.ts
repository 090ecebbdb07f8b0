/** A message as it is shown. Nothing of it can move the cursor or pass for a line of ours. */
import { printable } from "hawser/tools";
import { hexDump } from "./hex-dump.js";
import type { Paint } from "./paint.js";
import { joinJson, prettyJson } from "./pretty-json.js";

export interface Received {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** On a terminal, in characters: what is longer is shown by its beginning. */
const LONGEST_SHOWN = 32 * 1024;

/** For a terminal: JSON over several lines, binary as a dump. `mark` says who it is from. */
export function messageBlock(mark: string, { bytes, isBinary }: Received, paint: Paint): string {
  return isBinary ? bytesBlock(mark, bytes, paint) : textBlock(mark, bytes.toString("utf8"), paint);
}

export function bytesBlock(mark: string, bytes: Buffer, paint: Paint): string {
  const size = `binary, ${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}`;
  return [`${paint("cyan", mark)} ${paint("grey", size)}`, ...hexDump(bytes).map((line) => `  ${line}`)].join("\n");
}

export function textBlock(mark: string, text: string, paint: Paint): string {
  const shown = text.length > LONGEST_SHOWN ? text.slice(0, LONGEST_SHOWN) : text;
  const more = text.length > shown.length ? paint("grey", ` … ${Buffer.byteLength(text)} bytes in all`) : "";
  const lines = (more === "" ? prettyJson(shown, paint) : null) ?? [printable(shown)];
  return `${paint("cyan", mark)} ${lines.join("\n  ")}${more}`;
}

/** For a pipe: one line, and all of it. Binary is its bytes in hexadecimal. */
export function messageLine({ bytes, isBinary }: Received): string {
  if (isBinary) return bytes.toString("hex");
  // A tab is data in a pipe, and harmless.
  return joinJson(bytes.toString("utf8")).split("\t").map(printable).join("\t");
}
