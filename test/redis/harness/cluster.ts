/** A Cluster of three masters, each with a replica if that is asked for. */
import { RedisServer } from "./redis-server.js";
import { PATIENCE_MS, sleep } from "../../harness/concurrency.js";

const SLOTS = 16_384;

export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  static async start({ withReplicas = false }: { withReplicas?: boolean } = {}): Promise<RedisCluster> {
    // A node that a busy machine keeps waiting is not down.
    const config = ["cluster-enabled yes", `cluster-node-timeout ${PATIENCE_MS}`, "cluster-require-full-coverage no"];
    const all: RedisServer[] = [];
    for (let i = 0; i < (withReplicas ? 6 : 3); i++) all.push(await RedisServer.start({ config, isClusterNode: true }));
    const [masters, replicas] = [all.slice(0, 3), all.slice(3)];
    const cluster = new RedisCluster(masters, replicas);
    for (const [i, master] of masters.entries()) {
      const [from, to] = [Math.floor((i * SLOTS) / 3), Math.floor(((i + 1) * SLOTS) / 3) - 1];
      await master.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
      await master.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    }
    // Each with each, so that none waits to hear of others.
    for (const [i, server] of all.entries()) {
      for (const { port, busPort } of all.slice(i + 1)) {
        await server.command("CLUSTER", "MEET", "127.0.0.1", String(port), String(busPort));
      }
    }
    await cluster.settled(all);
    for (const [i, replica] of replicas.entries()) {
      const id = String(await masters[i]!.command("CLUSTER", "MYID"));
      await replica.command("CLUSTER", "REPLICATE", id);
    }
    for (const replica of replicas) await replica.until("replication", /master_link_status:up/);
    return cluster;
  }

  get url(): string {
    return `redis://${this.masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** Moves a slot to another master, keys and all. */
  async moveSlot(slot: number, to: RedisServer): Promise<void> {
    const ids = new Map<RedisServer, string>();
    for (const master of this.masters) ids.set(master, String(await master.command("CLUSTER", "MYID")));
    const from = await this.ownerOf(slot);
    await to.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", ids.get(from)!);
    await from.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", ids.get(to)!);
    for (;;) {
      const keys = (await from.command("CLUSTER", "GETKEYSINSLOT", String(slot), "100")) as string[];
      if (keys.length === 0) break;
      await from.command("MIGRATE", "127.0.0.1", String(to.port), "", "0", String(PATIENCE_MS), "KEYS", ...keys);
    }
    for (const server of [to, from, ...this.masters]) {
      await server.command("CLUSTER", "SETSLOT", String(slot), "NODE", ids.get(to)!);
    }
  }

  /** From now on a node that is silent for a moment is down. */
  async lookSharp(): Promise<void> {
    for (const server of [...this.masters, ...this.replicas].filter(({ isRunning }) => isRunning)) {
      await server.command("CONFIG", "SET", "cluster-node-timeout", "2000");
    }
  }

  async ownerOf(slot: number): Promise<RedisServer> {
    const ranges = (await this.masters[0]!.command("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
    const [, , [, port]] = ranges.find(([first, last]) => first <= slot && slot <= last)!;
    return this.masters.find((master) => master.port === port)!;
  }

  async close(): Promise<void> {
    for (const server of [...this.replicas, ...this.masters]) await server.close();
  }

  /** Until all know all, and the Cluster says that it is well. */
  private async settled(all: readonly RedisServer[]): Promise<void> {
    const wanted = new RegExp(`cluster_state:ok[^]*cluster_known_nodes:${all.length}\\b`);
    for (const server of all) {
      let info = "";
      const deadline = performance.now() + PATIENCE_MS;
      while (!wanted.test(info)) {
        info = String(await server.command("CLUSTER", "INFO"));
        if (performance.now() > deadline) throw new Error(`the Cluster does not come about: ${info}`);
        await sleep(50);
      }
    }
  }
}
