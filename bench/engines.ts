/** Redis and NATS for the servers that need one: from the system's packages, kept in memory alone, on the load generator's cores. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export type EngineName = "redis" | "nats";

interface EngineKind {
  readonly command: string;
  readonly args: (port: number, folder: string) => readonly string[];
}

const engineKinds: Readonly<Record<EngineName, EngineKind>> = {
  redis: {
    command: "redis-server",
    args: (port, folder) => [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      folder,
    ],
  },
  nats: {
    command: "nats-server",
    args: (port, folder) => ["-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", folder],
  },
};

/** Debian has some of them where a plain user does not look. */
const env = { ...process.env, PATH: [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter) };

export function isInstalled(name: EngineName): boolean {
  return spawnSync(engineKinds[name].command, ["--version"], { env }).status === 0;
}

export class Engine {
  readonly name: EngineName;
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(name: EngineName, port: number, child: ChildProcess, folder: string) {
    this.name = name;
    this.url = `${name}://127.0.0.1:${port}`;
    this.#child = child;
    // Also where the benchmark fails.
    process.once("exit", () => child.kill("SIGKILL"));
    this.#folder = folder;
  }

  static async start(name: EngineName): Promise<Engine> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "hawser-bench-"));
    const { command, args } = engineKinds[name];
    const child = spawn(command, args(port, folder), { env, stdio: "ignore" });
    while (!(await isListening(port))) {
      if (child.exitCode !== null) throw new Error(`${command} has ended`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new Engine(name, port, child, folder);
  }

  /** Ends all connections to Redis, without a word. */
  async cut(): Promise<void> {
    await this.#ask("CLIENT KILL TYPE pubsub");
    await this.#ask("CLIENT KILL TYPE normal SKIPME yes");
  }

  /** How many changes Redis has made to what it keeps. */
  async changes(): Promise<number> {
    const [, changes] = /rdb_changes_since_last_save:(\d+)/.exec(await this.#ask("INFO persistence"))!;
    return Number(changes);
  }

  /** An inline command, on a connection of its own. https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands */
  async #ask(command: string): Promise<string> {
    const socket = connect(Number(new URL(this.url).port), "127.0.0.1").setEncoding("latin1");
    let answer = "";
    socket.on("data", (text: string) => (answer += text));
    socket.end(`${command}\r\n`);
    await once(socket, "close");
    return answer;
  }

  /** CPU time of all its threads so far, in microseconds. Linux alone tells that so finely. */
  cpu(): number {
    const tasks = `/proc/${this.#child.pid}/task`;
    // In nanoseconds, first of three: https://docs.kernel.org/scheduler/sched-stats.html
    return readdirSync(tasks).reduce(
      (sum, task) => sum + Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]) / 1000,
      0,
    );
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, "exit");
    if (this.#child.kill("SIGKILL")) await exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (is: boolean) => (): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}
