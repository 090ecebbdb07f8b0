// An example as a process of its own, on a free port, watched through what it prints.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { projectRoot } from "../../harness/root.js";

/** The files of examples, without their ending. */
export const names: readonly string[] = readdirSync(join(projectRoot, "examples"), {
  recursive: true,
  encoding: "utf8",
})
  .map((file) => file.replaceAll("\\", "/"))
  // Those of `beside` are run with what they install for themselves.
  .filter((file) => file.endsWith(".ts") && !file.startsWith("beside/"))
  .map((file) => file.slice(0, -".ts".length));

export interface Example {
  readonly port: number;
  /** A client of this example that is open, and has kept every message since. */
  connect(path?: string, options?: { headers?: Record<string, string>; protocol?: string }): Promise<Peer>;
  /** The HTTP status that refuses a handshake. */
  refusal(path: string, headers?: Record<string, string>): Promise<number>;
  /** Sends SIGTERM. @returns the exit code, or the signal where that ended it */
  stop(): Promise<number | string | null>;
  /** What it has printed so far. */
  readonly lines: readonly string[];
}

/** `name` is the path of a file in examples without its ending. */
export function startExample(name: string, test: TestContext): Promise<Example> {
  return startProgram(join(projectRoot, "build/examples", `${name}.js`), test);
}

export async function startProgram(file: string, test: TestContext): Promise<Example> {
  const child = spawn(process.execPath, [file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PORT: "0" },
  });
  const ended = once(child, "exit") as Promise<[number | null, string | null]>;
  test.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const lines: string[] = [];
  const port = await portFrom(child, lines);
  const at = (path: string): string => `ws://127.0.0.1:${port}${path}`;
  return {
    port,
    lines,
    async connect(path = "/", { headers = {}, protocol } = {}) {
      const peer = new Peer(new WebSocket(at(path), protocol ?? [], { headers }));
      await once(peer.socket, "open");
      return peer;
    },
    async refusal(path, headers = {}) {
      const socket = new WebSocket(at(path), { headers });
      socket.on("error", () => {});
      const [, response] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
      socket.terminate();
      return response.statusCode;
    },
    async stop() {
      child.kill("SIGTERM");
      const [code, signal] = await ended;
      return code ?? signal;
    },
  };
}

/** A client made with `ws` that can wait for what it is sent. */
export class Peer {
  readonly socket: WebSocket;
  readonly closed: Promise<[code: number, reason: Buffer]>;
  readonly #messages: string[] = [];
  #wake: () => void = () => {};

  constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = once(socket, "close") as Promise<[number, Buffer]>;
    socket.on("message", (data: Buffer) => {
      this.#messages.push(data.toString());
      this.#wake();
    });
  }

  send(text: string): void {
    this.socket.send(text);
  }

  async next(): Promise<string> {
    while (this.#messages.length === 0) await new Promise<void>((wake) => (this.#wake = wake));
    return this.#messages.shift()!;
  }
}

/** Every example prints a line with its port once it listens: `"port":8080` or `port: 8080`. */
function portFrom(child: ChildProcess, lines: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        const port = /\bport"?: ?(\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    }
    child.once("exit", () => reject(new Error(`the example ended before it listened:\n${lines.join("\n")}`)));
  });
}
