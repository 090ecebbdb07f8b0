/** `hawser audit`: checks any WebSocket server against the ten practices. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isToken } from "hawser/protocol";
import { printableLines } from "hawser/tools";
import type { Command } from "commander";
import type { AuditOptions } from "../audit/index.js";
import { findTarget } from "../tools/target.js";
import { ConfigError, show } from "../config/config-error.js";
import { print } from "../log/print.js";

interface AuditFlags {
  quick?: true;
  waitMs?: number;
  exec?: string;
  header?: Record<string, string>;
  subprotocol?: string;
  origin?: string;
  iOwnThisServer?: true;
  json?: true;
  junit?: true;
  verbose?: true;
}

export function addAudit(program: Command, setExitCode: (code: number) => void): void {
  const command = program
    .command("audit")
    .summary("check any WebSocket server against the ten practices")
    .description(
      "Connects to a WebSocket server in any language, misbehaves in controlled ways, and prints which of the ten practices it keeps.",
    )
    .argument("<url>", "ws://HOST:PORT/PATH or wss://")
    .allowExcessArguments() // refused below, by name
    .option("--quick", "less than 20 s; what takes longer to tell is not testable")
    .option("--wait-ms <ms>", "longest wait for a deadline of the server's (default 95000)", waitMs)
    .option("--exec <command>", "start the server with this command, and check its shutdown, log and memory too")
    .option("--header <header>", "header of each handshake, Name: value; may be given several times", header)
    .option("--subprotocol <name>", "offer this subprotocol", token)
    .option("--origin <origin>", "origin that the server accepts")
    .option("--i-own-this-server", "the server is on another machine, and yours to test")
    .option("--json", "print the report as JSON")
    .option("--junit", "print the report as JUnit XML")
    .option("--verbose", "say before each step what it does")
    .addHelpText("after", afterHelp);
  command.action(async (url: string) => {
    const [, extra] = command.args;
    if (extra !== undefined) throw new ConfigError(`audit: got ${show(extra)} after the URL; takes one URL`);
    const flags = command.opts<AuditFlags>();
    if (flags.json && flags.junit)
      throw new ConfigError("audit: --json and --junit are two forms of one report; takes one");
    if (flags.quick && flags.waitMs !== undefined)
      throw new ConfigError("audit: --quick sets the waits; takes no --wait-ms");
    if (flags.exec?.trim() === "") throw new ConfigError("audit: flag --exec is empty; takes a command");
    // Only now: `hawser serve` can do without it.
    const { audit, formatJunit, formatTable } = await import("../audit/index.js");
    const report = await audit(await findTarget(url, flags.iOwnThisServer === true), optionsOf(flags));
    // What a server has sent may be in it: as \u009b it reads the same, and writes to no terminal.
    if (flags.json) print(`${printableLines(JSON.stringify(report, null, 2))}\n`);
    else if (flags.junit) print(formatJunit(report));
    else print(formatTable(report, appearance()));
    if (!flags.json && !flags.junit) print(`The documents are in ${documents}\n`);
    setExitCode(report.passed ? 0 : 1);
  });
}

function optionsOf({ quick, waitMs, exec, header, subprotocol, origin, verbose }: AuditFlags): AuditOptions {
  return {
    ...(quick === undefined ? {} : { quick }),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(exec === undefined ? {} : { exec }),
    ...(header === undefined ? {} : { headers: header }),
    ...(subprotocol === undefined ? {} : { subprotocol }),
    ...(origin === undefined ? {} : { origin }),
    ...(verbose === undefined ? {} : { log: (line: string) => void process.stderr.write(`${line}\n`) }),
  };
}

function appearance(): { width: number; colours: boolean } {
  // Both are undefined where standard output is no terminal.
  const { isTTY, columns } = process.stdout as { isTTY?: boolean; columns?: number };
  return { width: Math.min(Math.max(columns ?? 100, 60), 120), colours: isTTY === true && !process.env["NO_COLOR"] };
}

function waitMs(value: string): number {
  if (!/^\d{1,8}$/.test(value) || Number(value) < 1000 || Number(value) > 3_600_000)
    throw new ConfigError(
      `audit: got ${show(value)} from flag --wait-ms; takes a whole number of milliseconds from 1000 to 3600000`,
    );
  return Number(value);
}

function header(value: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name = "", content = ""] = /^([^:]*):\s*([^\r\n\0]*)$/.exec(value) ?? [];
  if (!isToken(name)) throw new ConfigError(`audit: got ${show(value)} from flag --header; takes "Name: value"`);
  return { ...before, [name]: content };
}

function token(value: string): string {
  if (!isToken(value))
    throw new ConfigError(`audit: got ${show(value)} from flag --subprotocol; takes one name without blanks`);
  return value;
}

/** They come with the library, and lie in the root of the repository; the advice of a report names them as `docs/…`. */
const library = dirname(fileURLToPath(import.meta.resolve("hawser/package.json")));
const packed = join(library, "docs");
const documents = existsSync(packed) ? packed : join(library, "../../docs");

const afterHelp = `
The ten practices, each check, and its thresholds: ${join(documents, "audit.md")}

Exit codes:
  0  nothing failed    1  something failed    2  wrong usage, or no such server

Examples:
  hawser audit ws://localhost:8080/
  hawser audit ws://localhost:8080/ --quick --junit > audit.xml
  hawser audit ws://localhost:8080/ --exec "node server.js"
`;
