/** Stands before the nodes, as a proxy that knows nothing of who was where: each new connection comes to another one. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "../harness/random.js";
import { reset } from "../harness/reset.js";

export class Balancer {
  readonly #server: Server;
  readonly #random: Random;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #ports: readonly number[];

  private constructor(server: Server, ports: readonly number[], random: Random) {
    this.#server = server;
    this.#ports = ports;
    this.#random = random;
    server.on("connection", (client) => this.#accept(client));
  }

  /** @param ports of the nodes; those that are down refuse, and the next one is asked */
  static async start(ports: readonly number[], random: Random): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Balancer(server, ports, random);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Resets so many percent of all connections. */
  cut(percent: number): number {
    const chosen = [...this.#pairs].filter(() => this.#random.chance(percent));
    for (const pair of chosen) for (const socket of pair) reset(socket);
    return chosen.length;
  }

  /** Nothing gets through so many percent of all connections for a while, in either direction. */
  hold(percent: number, ms: number): number {
    const chosen = [...this.#pairs].filter(() => this.#random.chance(percent));
    for (const socket of chosen.flat()) socket.pause();
    setTimeout(() => {
      for (const socket of chosen.flat()) if (!socket.destroyed) socket.resume();
    }, ms);
    return chosen.length;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of [...this.#pairs].flat()) socket.destroy();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    client.on("error", () => {});
    const start = this.#random.below(this.#ports.length);
    this.#forward(client, [...this.#ports.slice(start), ...this.#ports.slice(0, start)]);
  }

  #forward(client: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined || client.destroyed) {
      reset(client);
      return;
    }
    const node = connect(port, "127.0.0.1");
    const next = (): void => this.#forward(client, others);
    node.once("error", next);
    node.once("connect", () => {
      node.off("error", next).on("error", () => {});
      const pair = [client, node] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [node, client] as const]) {
        from.pipe(to);
        from.once("close", () => {
          this.#pairs.delete(pair);
          to.destroy();
        });
      }
      client.resume();
    });
  }
}
