/** A Cluster of three masters, each with a replica if that is asked for. */
import { RedisServer } from "./redis-server.js";
import { sleep } from "../../harness/concurrency.js";

const SLOTS = 16_384;

export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  static async start({ withReplicas = false }: { withReplicas?: boolean } = {}): Promise<RedisCluster> {
    const config = ["cluster-enabled yes", "cluster-node-timeout 2000", "cluster-require-full-coverage no"];
    const all: RedisServer[] = [];
    for (let i = 0; i < (withReplicas ? 6 : 3); i++) all.push(await RedisServer.start({ config, isClusterNode: true }));
    const [masters, replicas] = [all.slice(0, 3), all.slice(3)];
    const cluster = new RedisCluster(masters, replicas);
    for (const [i, master] of masters.entries()) {
      const [from, to] = [Math.floor((i * SLOTS) / 3), Math.floor(((i + 1) * SLOTS) / 3) - 1];
      await master.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
      await master.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    }
    const [first] = masters;
    for (const server of all.slice(1)) {
      await first!.command("CLUSTER", "MEET", "127.0.0.1", String(server.port), String(server.busPort));
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
      await from.command("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys);
    }
    for (const server of [to, from, ...this.masters]) {
      await server.command("CLUSTER", "SETSLOT", String(slot), "NODE", ids.get(to)!);
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
      for (let tries = 0; !wanted.test(info); tries++) {
        info = String(await server.command("CLUSTER", "INFO"));
        if (tries === 1_000) throw new Error(`the Cluster does not come about: ${info}`);
        await sleep(50);
      }
    }
  }
}
