// nats-server of Debian, on a port and a folder of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "../../harness/concurrency.js";
import { freePort } from "../../harness/free-port.js";
import { pause } from "../../harness/pause.js";
import { need } from "../../interop/harness/system.js";

export const nats = await need("nats-server");

export interface NatsServerOptions {
  /** False: without JetStream. @default true */
  readonly jetstream?: boolean;
  /** Of JetStream: `max_file: 1MB`. */
  readonly limits?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What else stands in its configuration. */
  readonly config?: string;
  /** @default one that is free */
  readonly port?: number;
}

export class NatsServer {
  readonly port: number;
  readonly #path: string;
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  #process: ChildProcess | undefined;

  private constructor(path: string, port: number, options: NatsServerOptions) {
    this.port = port;
    this.#path = path;
    this.#folder = mkdtempSync(join(tmpdir(), "hawser-nats-"));
    this.#options = options;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = new NatsServer(nats.path, options.port ?? (await freePort()), options);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts it, with the data that it had. */
  async start(): Promise<void> {
    const { jetstream = true, limits = "", tls, config = "" } = this.#options;
    const path = (name: string): string => join(this.#folder, name);
    const lines = [`listen: "127.0.0.1:${this.port}"`, "max_payload: 2MB", config];
    if (jetstream) lines.push(`jetstream { store_dir: "${path("data")}", ${limits} }`);
    if (tls !== undefined) {
      writeFileSync(path("cert.pem"), tls.cert);
      writeFileSync(path("key.pem"), tls.key);
      lines.push(`tls { cert_file: "${path("cert.pem")}", key_file: "${path("key.pem")}" }`);
    }
    const file = path("nats.conf");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const child = spawn(this.#path, ["-c", file, "-l", join(this.#folder, "log")], { stdio: "ignore" });
    this.#process = child;
    let hasEnded = false;
    child.on("exit", () => (hasEnded = true));
    while (!(await this.#answers())) {
      if (hasEnded) throw new Error("nats-server has ended");
      await sleep(20);
    }
  }

  /** Kills it without a word. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  pause(): void {
    pause(this.#process!);
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Killed, and started with nothing. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    this.#remove("data");
    await this.start();
  }

  /** Keeps a copy of the data as it is now. */
  async backUp(): Promise<void> {
    // What was acknowledged is written to its file a moment later: it ends in peace.
    await this.#end("SIGTERM");
    this.#remove("copy");
    cpSync(join(this.#folder, "data"), join(this.#folder, "copy"), { recursive: true });
    await this.start();
  }

  /** Killed, and started with that copy. */
  async restartFromBackup(): Promise<void> {
    await this.kill();
    this.#remove("data");
    cpSync(join(this.#folder, "copy"), join(this.#folder, "data"), { recursive: true });
    await this.start();
  }

  #remove(name: string): void {
    rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.resume();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      socket.once("data", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
}
