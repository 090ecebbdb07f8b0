import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A line that is longer comes in pieces. */
const LONGEST = 64 * 1024;

/** Calls back for each line of a stream, without its end. What comes without one is a line when the stream ends. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    for (; rest.length > LONGEST; rest = rest.slice(LONGEST)) onLine(rest.slice(0, LONGEST));
  };
  stream.on("data", (chunk: Buffer) => take(decoder.write(chunk)));
  // Of a process that is gone: its last words are read, and that is all.
  stream.on("error", () => {});
  stream.once("end", () => {
    take(decoder.end());
    if (rest !== "") onLine(rest);
    rest = "";
  });
}

/** A line of JSON with the worker's number as a field; any other as it is. */
export function markLine(line: string, worker: number): string {
  return line.startsWith('{"') && line.endsWith("}") ? `{"worker":${worker},${line.slice(1)}` : line;
}
