/** A link that a test can cut: it stands between a broker and its engine, and does what networks do. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { sleep } from "../../harness/concurrency.js";
import { freePort } from "../../harness/free-port.js";
import { reset } from "../../harness/reset.js";

/** What RESP3 begins with that nobody asked for. */
const PUSH = 0x3e;

export class TcpProxy {
  readonly port: number;
  /** The port that new connections lead to. */
  target: number;
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>();
  #server: Server;
  #isSwallowing = false;
  #delayMs = 0;
  #isDeaf = false;
  /** How many connections were made. */
  accepted = 0;

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.target = target;
    server.on("connection", (client) => this.#accept(client));
  }

  static async start(target: number, port?: number): Promise<TcpProxy> {
    const server = createServer().listen(port ?? (await freePort()), "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, (server.address() as { port: number }).port, target);
  }

  /** All connections are reset; new ones are made as before. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      reset(client);
      server.destroy();
    }
  }

  /** Connections are reset, and new ones are refused until `pass`. */
  async refuse(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Everything is taken, and nothing gets through, in either direction; no end is told. */
  swallow(): void {
    this.#isSwallowing = true;
  }

  /** Everything takes so long on its way, in either direction. */
  slow(ms: number): void {
    this.#delayMs = ms;
  }

  /** Of Redis: what it answers gets through, and what it sends by itself does not. */
  deafen(): void {
    this.#isDeaf = true;
  }

  /** As if nothing had been. What was swallowed is lost, and with it the connections that it was lost from. */
  async pass(): Promise<void> {
    if (this.#isSwallowing) this.cut();
    this.#isSwallowing = false;
    this.#delayMs = 0;
    this.#isDeaf = false;
    if (this.#server.listening) return;
    const server = createServer((client) => this.#accept(client)).listen(this.port, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  #accept(client: Socket): void {
    this.accepted++;
    const server = connect(this.target, "127.0.0.1");
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      const pass = (chunk: Buffer): void => {
        const isPush = from === server && chunk[0] === PUSH && !chunk.subarray(0, 40).includes("subscribe");
        if (!this.#isSwallowing && !(this.#isDeaf && isPush) && to.writable) to.write(chunk);
      };
      // A chunk never overtakes another.
      let late = 0;
      let before = Promise.resolve();
      from.on("data", (chunk: Buffer) => {
        if (this.#delayMs === 0 && late === 0) return pass(chunk);
        late++;
        const due = performance.now() + this.#delayMs;
        before = before
          .then(() => sleep(due - performance.now()))
          .then(() => {
            late--;
            pass(chunk);
          });
      });
      from.on("error", () => {});
      from.on("close", () => {
        this.#pairs.delete(pair);
        if (!this.#isSwallowing) to.destroy();
      });
    }
  }
}
