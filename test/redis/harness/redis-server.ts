/** A Redis server of a test's own, on a port and in a folder of its own, that can be stopped in every way there is. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { PATIENCE_MS, sleep } from "../../harness/concurrency.js";
import { freePort } from "../../harness/free-port.js";
import { pause } from "../../harness/pause.js";
import { need } from "../../interop/harness/system.js";

export const redis = await need("redis-server");

/** What a server keeps. */
const DATA = ["dump.rdb", "appendonlydir"];

/** None outlives the tests, however these end. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
process.once("SIGTERM", () => process.exit(143));

export interface RedisServerOptions {
  readonly port?: number | undefined;
  /** Further lines of its configuration. */
  readonly config?: readonly string[] | undefined;
  readonly isSentinel?: boolean | undefined;
  /** Nodes of a Cluster talk on a port of their own. */
  readonly isClusterNode?: boolean | undefined;
}

export class RedisServer {
  readonly port: number;
  readonly busPort: number;
  readonly folder: string = mkdtempSync(join(tmpdir(), "hawser-redis-"));
  readonly #config: readonly string[];
  readonly #isSentinel: boolean;
  #process: ChildProcess | undefined;
  #isPaused = false;

  private constructor(port: number, busPort: number, { config = [], isSentinel = false }: RedisServerOptions) {
    this.port = port;
    this.busPort = busPort;
    this.#config = busPort === 0 ? config : [...config, `cluster-port ${busPort}`];
    this.#isSentinel = isSentinel;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const port = options.port ?? (await freePort());
    const server = new RedisServer(port, options.isClusterNode === true ? await freePort() : 0, options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  async start(): Promise<void> {
    const file = join(this.folder, "redis.conf");
    // A Sentinel and a node of a Cluster write to their own; the rest is read again.
    if (!this.#isSentinel || !existsSync(file)) {
      const base = [`port ${this.port}`, "bind 127.0.0.1", `dir ${this.folder}`, "loglevel warning", "daemonize no"];
      const data = this.#isSentinel ? [] : ['save ""', "appendonly no", "repl-diskless-sync-delay 0"];
      writeFileSync(file, [...base, ...data, ...this.#config, ""].join("\n"));
    }
    const args = this.#isSentinel ? [file, "--sentinel"] : [file];
    const child = spawn(redis.path, args, { stdio: ["ignore", "ignore", "inherit"] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#process = child;
    this.#isPaused = false;
    await this.#untilReady();
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.kill("SIGKILL");
    await once(process, "exit");
  }

  pause(): void {
    pause(this.#process!);
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#isPaused) this.#process?.kill("SIGCONT");
    this.#isPaused = false;
  }

  /** Killed, and started with nothing. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    for (const name of DATA) rmSync(join(this.folder, name), { recursive: true, force: true });
    await this.start();
  }

  /** Keeps a copy of the data as it is. */
  async backUp(): Promise<void> {
    await this.command("SAVE");
    this.#copyData(this.folder, join(this.folder, "backup"));
  }

  /** Killed, and started with the copy. */
  async restartFromBackup(): Promise<void> {
    await this.kill();
    this.#copyData(join(this.folder, "backup"), this.folder);
    await this.start();
  }

  #copyData(from: string, to: string): void {
    for (const name of DATA) {
      rmSync(join(to, name), { recursive: true, force: true });
      if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name), { recursive: true });
    }
  }

  /** By a connection of its own. */
  async command(...args: readonly string[]): Promise<unknown> {
    const client = createClient({
      url: this.url,
      RESP: 2,
      socket: { reconnectStrategy: false, connectTimeout: PATIENCE_MS },
      disableClientInfo: true,
    });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.sendCommand([...args]);
    } finally {
      client.destroy();
    }
  }

  /** Until a section of INFO says so. */
  async until(section: string, what: RegExp): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const info = String(await this.command("INFO", section));
      if (what.test(info)) return;
      if (performance.now() > deadline) throw new Error(`${what.source} does not come about: ${info}`);
      await sleep(50);
    }
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        await this.command("PING");
        return;
      } catch (error) {
        const said = String(error);
        // It is there, and asks who is asking.
        if (/NOAUTH|NOPERM|WRONGPASS/.test(said)) return;
        if (performance.now() > deadline || this.#process?.exitCode !== null) throw error;
        await sleep(20);
      }
    }
  }
}
