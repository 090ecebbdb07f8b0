/** Nodes, each `hawser serve --broker` in a process of its own, each on a port that it keeps, that are killed, stopped, shut down and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { sleep } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import type { Random } from "../harness/random.js";
import { cliPath } from "../harness/server.js";
import type { Fault } from "./engines.js";

export class ChaosNode {
  readonly port: number;
  readonly #engine: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, engine: string) {
    this.port = port;
    this.#engine = engine;
  }

  static async start(engine: string): Promise<ChaosNode> {
    const node = new ChaosNode(await freePort(), engine);
    await node.start();
    return node;
  }

  async start(): Promise<void> {
    const args = ["serve", "--port", String(this.port), "--broker", this.#engine, "--history-size", "1000"];
    const child = spawn(process.execPath, [cliPath(), ...args, "--no-page"], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => line.includes('"event":"listening"') && resolve());
      child.once("exit", (code) => reject(new Error(`a node has ended with ${code} before it listened`)));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Waits until the process is gone. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }
}

export function nodeFaults(nodes: readonly ChaosNode[], random: Random): Fault[] {
  /** Those that something is done to already. */
  const busy = new Set<ChaosNode>();
  const toOne = (name: string, run: (node: ChaosNode) => Promise<void>): Fault => ({
    name,
    async run() {
      const node = random.pick(nodes);
      if (busy.has(node)) return;
      busy.add(node);
      await run(node);
      busy.delete(node);
    },
  });
  return [
    toOne("a node is killed", async (node) => {
      await node.end("SIGKILL");
      await sleep(random.below(3_000));
      await node.start();
    }),
    toOne("a node is shut down and started again", async (node) => {
      await node.end("SIGTERM");
      await node.start();
    }),
    toOne("a node stands still", async (node) => {
      node.signal("SIGSTOP");
      await sleep(200 + random.below(6_000));
      node.signal("SIGCONT");
    }),
  ];
}
