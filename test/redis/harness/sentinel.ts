/** A master, a replica, and three Sentinels that watch them. */
import { PATIENCE_MS, sleep } from "../../harness/concurrency.js";
import { freePort } from "../../harness/free-port.js";
import { RedisServer } from "./redis-server.js";

export const MASTER_NAME = "the-master";

export class SentinelSetup {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start(): Promise<SentinelSetup> {
    const [master, replica] = [await RedisServer.start(), await RedisServer.start()];
    await replica.command("REPLICAOF", "127.0.0.1", String(master.port));
    await replica.until("replication", /master_link_status:up/);
    const config = [
      `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${master.port} 2`,
      // A server that a busy machine keeps waiting is not down.
      `sentinel down-after-milliseconds ${MASTER_NAME} ${PATIENCE_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} 5000`,
    ];
    const sentinels: RedisServer[] = [];
    for (let i = 0; i < 3; i++) {
      sentinels.push(await RedisServer.start({ port: await freePort(), config, isSentinel: true }));
    }
    const setup = new SentinelSetup([master, replica], sentinels);
    // Each has to know the others, and the replica, before there can be a failover.
    for (const sentinel of sentinels) {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        const said = (await sentinel.command("SENTINEL", "MASTER", MASTER_NAME)) as string[];
        const value = (name: string): string | undefined => said[said.indexOf(name) + 1];
        if (value("num-slaves") === "1" && value("num-other-sentinels") === "2") break;
        if (performance.now() > deadline) throw new Error(`Sentinels do not find each other: ${said.join(" ")}`);
        await sleep(100);
      }
    }
    return setup;
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`;
  }

  /** From now on a server that is silent for a moment is down. */
  async lookSharp(): Promise<void> {
    for (const sentinel of this.sentinels) {
      await sentinel.command("SENTINEL", "SET", MASTER_NAME, "down-after-milliseconds", "1500");
    }
  }

  /** Who is the master now, as the Sentinels say. */
  async master(): Promise<RedisServer> {
    const [sentinel] = this.sentinels;
    const [, port] = (await sentinel!.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)) as string[];
    return this.servers.find((server) => server.port === Number(port))!;
  }

  async close(): Promise<void> {
    for (const server of [...this.sentinels, ...this.servers]) await server.close();
  }
}
