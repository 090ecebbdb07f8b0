/** `hawser bench`: its flags, and the run that comes out of them. */
import { availableParallelism } from "node:os";
import { onStopSignals } from "hawser";
import { type Command, Option } from "commander";
import type { LoadName, Plan } from "../bench/index.js";
import type { Header } from "../tools/headers.js";
import { findTarget, type Target } from "../tools/target.js";
import { ConfigError } from "../config/config-error.js";
import { choiceOf, countOf, durationOf, headersOf, rateOf, sizeOf, subprotocolsOf } from "../config/tool-values.js";
import { exitNow } from "../log/exit.js";
import { print } from "../log/print.js";
import { benchProgress } from "./bench-progress.js";

const LOADS: readonly LoadName[] = ["echo", "fanout", "storm"];
const MOST_CONNECTIONS = 100_000;
const MOST_IN_FLIGHT = 10_000;
const MOST_PER_SECOND = 10_000_000;
const MOST_THREADS = 64;
const MOST_ROOMS = 10_000;
const LARGEST_MESSAGE = 16 * 1024 * 1024;
/** More threads than this need a server that is faster than most. */
const THREADS_UNASKED = 4;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const FAILED = 1;
const HUNG_UP = 129;

const about =
  "Loads a WebSocket server and says how it did: rate, throughput, latency percentiles, errors. Without --rate each message waits for the answer to the one before (closed loop); with it messages are due on a schedule that is fixed in advance, and latency counts from when they were due (open loop, no coordinated omission).";

const afterHelp = `
Loads:
  echo    each connection sends and waits for its own message to come back
  fanout  in each room one connection publishes and the others count what comes
  storm   connections are opened and closed, at most --connections at a time

Exit codes:
  0  a report    1  a report, and connections failed or nothing came back
  2  wrong flags, or no WebSocket at the URL

Examples:
  hawser bench ws://localhost:8080/
  hawser bench ws://localhost:8080/ --rate 20000 --duration 30s
  hawser bench ws://localhost:8080/room --load fanout --connections 500 --json
`;

interface Flags {
  load: LoadName;
  connections: number;
  duration: number;
  warmUp: number;
  rate?: number;
  inFlight?: number;
  size: number;
  text?: true;
  binary?: true;
  threads?: number;
  rooms: number;
  subscribe?: string;
  subprotocol?: readonly string[];
  header?: readonly Header[];
  json?: true;
  iOwnThisServer?: true;
  dangerouslyAcceptAnyCertificate?: true;
}

export function addBench(program: Command, setExitCode: (code: number) => void): void {
  const command = program
    .command("bench")
    .summary("measure a WebSocket server under load")
    .description(about)
    .argument("<url>", "ws://HOST:PORT/PATH, wss:// or ws+unix:FILE:/PATH")
    .addOption(
      new Option("--load <load>", "echo, fanout or storm")
        .choices(LOADS)
        .argParser(choiceOf("--load", LOADS))
        .default("echo"),
    )
    .option("--connections <n>", "how many", countOf("--connections", 1, MOST_CONNECTIONS), 50)
    .addOption(duration("--duration <time>", "how long to measure: 10, 10s, 500ms, 1m", 10_000, "10s", 10))
    .addOption(duration("--warm-up <time>", "before that, and not counted", 1000, "1s", 0))
    .option("--rate <n>", "messages (storm: handshakes) per second in all", rateOf("--rate", MOST_PER_SECOND))
    .addOption(
      new Option("--in-flight <n>", "without --rate: messages under way per connection, or per room (default: 1)")
        .argParser(countOf("--in-flight", 1, MOST_IN_FLIGHT))
        .conflicts("rate"),
    )
    .option("--size <bytes>", "of a message: 64, 1k, 1MiB", sizeOf("--size", LARGEST_MESSAGE), 64)
    .addOption(new Option("--text", "text messages (default)").conflicts("binary"))
    .option("--binary", "binary messages")
    .option("--threads <n>", "default: one less than there are cores, at most 4", countOf("--threads", 1, MOST_THREADS))
    .option("--rooms <n>", "fanout: with paths PATH/1, PATH/2, ...", countOf("--rooms", 1, MOST_ROOMS), 1)
    .option("--subscribe <text>", "each connection sends this once it is open")
    .option("--subprotocol <name>", "offer it; may be given several times", subprotocolsOf)
    .option("--header <header>", '"Name: value" for the handshake; may be given several times', headersOf)
    .option("--json", "the report as JSON")
    .option("--i-own-this-server", "the server is mine: it may be another machine")
    .option("--dangerously-accept-any-certificate", "take a certificate that proves nothing")
    .addHelpText("after", afterHelp);
  command.action(async (url: string) => {
    const flags = command.opts<Flags>();
    const target = await findTarget(url, flags.iOwnThisServer === true);
    setExitCode(await bench(makePlan(target, flags), flags.json === true));
  });
}

function duration(flags: string, help: string, ms: number, text: string, minMs: number): Option {
  const [name = ""] = flags.split(" ");
  return new Option(flags, help).argParser(durationOf(name, minMs)).default(ms, text);
}

/** @throws ConfigError for flags that do not go together */
function makePlan(target: Target, flags: Flags): Plan {
  const { load, connections, rooms } = flags;
  if (load === "fanout" && connections < 2 * rooms)
    throw new ConfigError(
      `--connections: got ${connections}; takes 2 or more for each room of a fan-out: one publishes, the others listen`,
    );
  if (rooms > 1 && load !== "fanout") throw new ConfigError("--rooms: is for --load fanout");
  const cores = availableParallelism();
  const threads = flags.threads ?? Math.max(1, Math.min(THREADS_UNASKED, cores - 1));
  return {
    target,
    load,
    connections,
    rate: flags.rate ?? null,
    inFlight: flags.inFlight ?? 1,
    size: flags.size,
    isBinary: flags.binary === true,
    durationMs: flags.duration,
    warmUpMs: flags.warmUp,
    threads: Math.min(threads, connections),
    rooms,
    subscribe: flags.subscribe ?? null,
    subprotocols: flags.subprotocol ?? [],
    headers: flags.header ?? [],
    dangerouslyAcceptAnyCertificate: flags.dangerouslyAcceptAnyCertificate === true,
    timeoutMs: HANDSHAKE_TIMEOUT_MS,
  };
}

/** Runs it, and prints the report. @returns the exit code */
async function bench(plan: Plan, asJson: boolean): Promise<number> {
  const stop = new AbortController();
  const progress = benchProgress(process.stderr, plan);
  onStopSignals(process, { stop: () => stop.abort(), stopAtOnce: (exitCode) => exitNow(exitCode) });
  process.on("SIGHUP", () => exitNow(HUNG_UP));
  try {
    const { reportText, runBench } = await import("../bench/index.js");
    const report = await runBench(plan, { signal: stop.signal, onProgress: progress.show });
    progress.clear();
    print(asJson ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    if (report.problem === null) return 0;
    process.stderr.write(`hawser: ${report.problem}\n`);
    return FAILED;
  } finally {
    progress.clear();
  }
}
