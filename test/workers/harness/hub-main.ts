// A program of the application's in several processes: everybody may do everything, in topics with a long history.
import { existsSync } from "node:fs";
import { createHub } from "hawser/hub";
import { createServer, type ListenTarget } from "hawser";
import { runWorkers } from "hawser/workers";

/** What the test asks for. */
export interface HubProgram {
  readonly workers: number;
  readonly listen: ListenTarget;
  readonly silenceTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  /** While there is such a file, a worker throws in place of listening. */
  readonly brokenBy?: string;
  /** The close of a worker's server takes until it is killed. */
  readonly isStuck?: boolean;
}

const { brokenBy, isStuck, ...options } = JSON.parse(process.argv[2]!) as HubProgram;

process.exitCode = await runWorkers({
  ...options,
  async start(worker) {
    if (brokenBy !== undefined && existsSync(brokenBy)) throw new Error("broken by the test");
    const hub = createHub({
      broker: worker.broker(),
      authenticate: (token) => ({ user: token ?? "nobody" }),
      allow: { subscribe: () => true, publish: () => true },
      defaultTopic: { history: { size: 100_000, ttlMs: 600_000 } },
      returnsPerSecond: 20,
    });
    const server = createServer(hub.serverOptions({ maxClients: worker.share(1001) }));
    await worker.listen(server);
    console.log(`limit ${server.limits.maxClients}`);
    return {
      async close() {
        if (isStuck) await new Promise(() => {});
        await server.close({ graceMs: 2000 });
        await hub.close();
      },
    };
  },
});
