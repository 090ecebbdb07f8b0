/** `hawser serve --workers`: one port, a supervisor, and workers that die. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { cliPath } from "../harness/server.js";
import { sleep } from "../harness/concurrency.js";
import { freePort } from "../harness/free-port.js";
import type { Random } from "../harness/random.js";
import type { ChaosCluster } from "./chaos.js";

interface Line {
  readonly event?: string;
  readonly worker?: number;
  readonly pid?: number;
}

export async function startWorkers(count: number, random: Random): Promise<ChaosCluster> {
  const port = await freePort();
  let supervisor: ChildProcess;
  /** Of the workers that serve, by number. */
  const pids = new Map<number, number>();
  async function start(): Promise<void> {
    pids.clear();
    const args = ["serve", "--port", String(port), "--workers", String(count), "--history-size", "1000"];
    supervisor = spawn(process.execPath, [cliPath(), ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let ready = (): void => {};
    createInterface({ input: supervisor.stdout! }).on("line", (text) => {
      const { event, worker, pid } = lineOf(text);
      if (event === "worker-ready") pids.set(worker!, pid!);
      if (event === "worker-ended" && pids.get(worker!) === pid) pids.delete(worker!);
      if (pids.size === count) ready();
    });
    await new Promise<void>((resolve, reject) => {
      ready = resolve;
      supervisor.once("exit", (code) => reject(new Error(`the supervisor has ended with ${code}`)));
    });
  }
  const signal = (pid: number | undefined, name: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  };
  const worker = (): number | undefined => random.pick([...pids.values(), undefined]);
  await start();
  return {
    ports: () => [port],
    faults: [
      { name: "a worker is killed", run: async () => signal(worker(), "SIGKILL") },
      {
        name: "a worker stands still",
        async run() {
          const pid = worker();
          signal(pid, "SIGSTOP");
          await sleep(200 + random.below(5_000));
          signal(pid, "SIGCONT");
        },
      },
      {
        name: "workers are restarted, one after another",
        async run() {
          supervisor.kill("SIGHUP");
          await sleep(6_000);
        },
      },
      {
        name: "the supervisor is killed, and all begins anew",
        forgets: true,
        async run() {
          const exit = once(supervisor, "exit");
          const workers = [...pids.values()];
          supervisor.kill("SIGKILL");
          await exit;
          // They notice by themselves, and free the port.
          await sleep(1_500);
          for (const pid of workers) signal(pid, "SIGCONT");
          await start();
        },
      },
    ],
    async close() {
      const exit = once(supervisor, "exit");
      supervisor.kill("SIGTERM");
      const laggard = setTimeout(() => supervisor.kill("SIGKILL"), 20_000);
      await exit;
      clearTimeout(laggard);
    },
  };
}

function lineOf(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return {};
  }
}
