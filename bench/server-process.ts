/** The servers that are compared, each in a process of its own, on a core of its own where the system can do that. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { EngineName } from "./engines.js";
import type { Dialect } from "./opening.js";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../bench");

interface ServerKind {
  readonly label: string;
  readonly script: string;
  readonly runtime: "node" | "bun";
  readonly dialect: Dialect;
  /** It sends back what it got without unmasking: four bytes more. */
  readonly repliesMasked: boolean;
  /** What its nodes talk through, if there are several. */
  readonly engine: EngineName | null;
  /** What it is told besides the settings of the workload. */
  readonly extra: { readonly portable?: boolean; readonly handler?: "text" | "async" };
  /** Only where it is asked for by name. */
  readonly onRequest: boolean;
}

const kind = (label: string, script: string, more: Partial<ServerKind> = {}): ServerKind => ({
  label,
  script,
  runtime: "node",
  dialect: "websocket",
  repliesMasked: false,
  engine: null,
  extra: {},
  onRequest: false,
  ...more,
});

export const serverKinds = {
  hawser: kind("Hawser", "hawser.mjs"),
  "hawser-ws": kind("hawser/ws", "hawser-ws.mjs"),
  ws: kind("ws", "ws.mjs"),
  socketio: kind("Socket.IO", "socketio.mjs", { dialect: "socketio" }),
  crossws: kind("crossws", "crossws.mjs"),
  bun: kind("Bun", "bun.mjs", { runtime: "bun" }),
  "hawser-bun": kind("Hawser on Bun", "hawser.mjs", { runtime: "bun" }),
  socket: kind("bare socket", "socket.mjs", { repliesMasked: true }),
  hub: kind("hub", "hub.mjs", { dialect: "hawser.v1" }),
  "hub-redis": kind("hub on Redis", "hub.mjs", { dialect: "hawser.v1", engine: "redis" }),
  "hub-nats": kind("hub on NATS", "hub.mjs", { dialect: "hawser.v1", engine: "nats" }),
  "socketio-redis": kind("Socket.IO on Redis Streams", "socketio.mjs", { dialect: "socketio", engine: "redis" }),
  relay: kind("bare PUBLISH of Redis", "relay.mjs", { engine: "redis" }),
  "scaling-node": kind("one node of several", "scaling-node.mjs", { dialect: "hawser.v1", onRequest: true }),
  "hawser-portable": kind("Hawser, portableSockets", "hawser.mjs", { extra: { portable: true }, onRequest: true }),
  "hawser-text": kind("Hawser, text for text", "hawser.mjs", { extra: { handler: "text" }, onRequest: true }),
  "hawser-async": kind("Hawser, async handler", "hawser.mjs", { extra: { handler: "async" }, onRequest: true }),
} as const;
export type ServerName = keyof typeof serverKinds;
export const serverNames = Object.keys(serverKinds) as ServerName[];
/** Those that know clients and rooms alone. */
export const plainServers: ServerName[] = serverNames.filter(
  (name) => serverKinds[name].dialect !== "hawser.v1" && serverKinds[name].engine === null,
);
export const usualServers: ServerName[] = serverNames.filter((name) => !serverKinds[name].onRequest);

export interface ServerSettings {
  readonly compression?: boolean;
  /** Time between two pings. */
  readonly heartbeatMs?: number;
  /** URL of the engine. */
  readonly engine?: string;
}

export interface Usage {
  /** CPU time so far, in microseconds, and what of it the kernel took. */
  cpu: number;
  kernel: number;
  /** In bytes. */
  rss: number;
  /** The most that it was since the process began. */
  peakRss: number;
  heap: number;
}

/** Before anything is pinned: afterwards the system counts fewer. */
export const cores: number = availableParallelism();
export const isPinned: boolean =
  process.platform === "linux" && cores > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** The generator keeps off the last core, which is the servers'. */
export function pinGenerator(): void {
  if (isPinned) spawnSync("taskset", ["-acp", `0-${cores - 2}`, String(process.pid)]);
}

/** The binary that the `bun` package brings along for this platform; its install script, which would move it, is not run. */
export function findBun(): string | null {
  const scope = join(folder, "node_modules/@oven");
  if (!existsSync(scope)) return null;
  for (const name of readdirSync(scope)) {
    const binary = join(scope, name, "bin", process.platform === "win32" ? "bun.exe" : "bun");
    if (spawnSync(binary, ["--version"]).status === 0) return binary;
  }
  return null;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! });
  }

  static async start(name: ServerName, settings: ServerSettings, binaries: Binaries): Promise<ServerProcess> {
    const { script, runtime, extra } = serverKinds[name];
    const program = join(folder, "servers", script);
    const options = JSON.stringify({ ...settings, ...extra });
    const command =
      runtime === "bun" ? [binaries.bun!, program, options] : [binaries.node, "--expose-gc", program, options];
    const [file, ...args] = isPinned ? ["taskset", "-c", String(cores - 1), ...command] : command;
    const server = new ServerProcess(spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] }));
    server.port = ((await server.#answer()) as { port: number }).port;
    return server;
  }

  async usage(how: "usage" | "collect" = "usage"): Promise<Usage> {
    return (await this.ask(how)) as Usage;
  }

  /** One of the commands that the server's script has. */
  async ask(command: string, argument?: unknown): Promise<unknown> {
    const answer = this.#answer();
    this.#child.stdin!.write(argument === undefined ? `${command}\n` : `${command} ${JSON.stringify(argument)}\n`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#child.once("exit", onExit);
      this.#lines.once("line", (line) => {
        this.#child.removeListener("exit", onExit);
        resolve(JSON.parse(line));
      });
      function onExit(): void {
        reject(new Error("the server has ended"));
      }
    });
  }
}

export interface Binaries {
  readonly node: string;
  readonly bun: string | null;
}
