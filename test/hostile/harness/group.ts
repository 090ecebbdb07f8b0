import type { Exchange } from "../../harness/exchange.js";
import { exchange } from "../../harness/exchange.js";
import type { ConnectOptions } from "../../harness/raw-client.js";
import type { LogLine, ServerProcess } from "../../harness/server.js";

export interface HostileCase {
  name: string;
  run: (server: ServerProcess) => Promise<void>;
}

/**
 * "impatient": cuts soon who does not read. "hasty": with all its deadlines short, for cases that wait for one.
 * "tls": hasty, and `wss://`.
 */
export type ServerKind = "ordinary" | "impatient" | "hasty" | "tls";

export interface Group {
  name: string;
  cases: readonly HostileCase[];
  /** @default "ordinary" */
  server?: ServerKind;
  /** Cases under way at once. @default 16 */
  atOnce?: number;
}

/** What the impatient server is told. */
export const impatientFlags: string[] = ["--write-wait-ms", "1500", "--close-timeout-ms", "1500"];

/** What the hasty server is told, and what its cases may count on. */
export const DEADLINES = {
  // Of an honest client: a busy machine keeps it from answering for a while.
  pongWaitMs: 4000,
  pingPeriodMs: 500,
  writeWaitMs: 1500,
  messageTimeoutMs: 1500,
  closeTimeoutMs: 1500,
  headersTimeoutMs: 2500,
  requestTimeoutMs: 3000,
} as const;

export const hastyFlags: string[] = Object.entries(DEADLINES).flatMap(([option, ms]) => [
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  String(ms),
]);

/** A case that is an exchange on a connection of its own. */
export function exchangeCase(name: string, what: Exchange, options: ConnectOptions = {}): HostileCase {
  return { name, run: (server) => exchange(server.url, what, options) };
}

/** The same exchange in one write, byte by byte, and in pieces that cut headers and payloads elsewhere. */
export function atEveryCut(name: string, what: Exchange, options: ConnectOptions = {}): HostileCase[] {
  const cuts = [
    ["in one write", "at once"],
    ["byte by byte", 1],
    ["three bytes at a time", 3],
  ] as const;
  return cuts.map(([says, chop]) => exchangeCase(`${name}, ${says}`, { ...what, chop }, options));
}

/** The disconnect line of the client that connected to this path, one of its own. */
export async function disconnectLine(server: ServerProcess, path: string): Promise<LogLine> {
  const { id } = await server.waitForEvent("connect", (line) => line["path"] === path);
  return server.waitForEvent("disconnect", (line) => line.id === id);
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
