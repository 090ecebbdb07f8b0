/**
 * A peer in another process or page. Commands go in and events come out as JSON, one object each, with the connection's
 * number `n`. web.ts, python.py and gorilla.go each speak this; it is all that a client in a new language has to do:
 *
 *     in:   {"n":1,"do":"connect","url":"ws://..."}   {"n":1,"do":"send","text":"..."}   {"n":1,"do":"send","base64":"..."}
 *           {"n":1,"do":"ping","text":"..."}          {"n":1,"do":"close","code":4001,"reason":"..."}
 *     out:  {"n":1,"on":"open","extensions":"...","pings":true}    {"n":1,"on":"message","text":"..."}  (or "base64")
 *           {"n":1,"on":"pong","text":"..."}                       {"n":1,"on":"close","code":4001,"reason":"..."}
 *           {"n":1,"on":"failed","why":"..."}                      the handshake did not succeed
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Closed, Inbox, type Peer, type PeerConnection } from "./peer.js";

/** web.ts as a program, compiled. */
export const webMain: string = fileURLToPath(new URL("web-main.js", import.meta.url));

export type Command =
  | { n: number; do: "connect"; url: string }
  | { n: number; do: "send"; text: string }
  | { n: number; do: "send"; base64: string }
  | { n: number; do: "ping"; text: string }
  | { n: number; do: "close"; code: number; reason: string };

export type RemoteEvent =
  | { n: number; on: "open"; extensions?: string; pings?: boolean }
  | { n: number; on: "message"; text?: string; base64?: string }
  | { n: number; on: "pong"; text: string }
  | { n: number; on: "close"; code: number; reason: string }
  | { n: number; on: "failed"; why: string };

/** The test's end of the line: `tell` carries a command over, and each event that comes back is handed to `hear`. */
export class RemoteConnections {
  readonly #connections = new Map<number, RemoteConnection>();
  readonly #tell: (command: Command) => void;

  constructor(tell: (command: Command) => void) {
    this.#tell = tell;
  }

  connect(url: string): Promise<PeerConnection> {
    const n = this.#connections.size + 1;
    const connection = new RemoteConnection(n, this.#tell);
    this.#connections.set(n, connection);
    this.#tell({ n, do: "connect", url });
    return connection.opened;
  }

  hear(event: RemoteEvent): void {
    this.#connections.get(event.n)?.hear(event);
  }

  end(why: string): void {
    for (const connection of this.#connections.values()) connection.hear({ n: 0, on: "failed", why });
  }
}

class RemoteConnection implements PeerConnection {
  extensions: string | undefined;
  ping: ((payload: string) => Promise<string>) | undefined;
  readonly opened: Promise<PeerConnection>;
  readonly closed: Promise<Closed>;
  readonly #n: number;
  readonly #tell: (command: Command) => void;
  readonly #inbox = new Inbox();
  readonly #pongs: ((payload: string) => void)[] = [];
  #open!: (connection: PeerConnection) => void;
  #failed!: (error: Error) => void;
  #close!: (closed: Closed) => void;

  constructor(n: number, tell: (command: Command) => void) {
    this.#n = n;
    this.#tell = tell;
    this.opened = new Promise((done, fail) => ([this.#open, this.#failed] = [done, fail]));
    this.closed = new Promise((done) => (this.#close = done));
  }

  send(data: string | Uint8Array): void {
    const payload = typeof data === "string" ? { text: data } : { base64: Buffer.from(data).toString("base64") };
    this.#tell({ n: this.#n, do: "send", ...payload });
  }

  next = () => this.#inbox.next();

  close(code: number, reason: string): void {
    this.#tell({ n: this.#n, do: "close", code, reason });
  }

  hear(event: RemoteEvent): void {
    switch (event.on) {
      case "open":
        this.extensions = event.extensions;
        if (event.pings === true) this.ping = (payload) => this.#ping(payload);
        return this.#open(this);
      case "message":
        return this.#inbox.put(
          event.text === undefined
            ? { binary: true, data: Buffer.from(event.base64 ?? "", "base64") }
            : { binary: false, data: Buffer.from(event.text) },
        );
      case "pong":
        return this.#pongs.shift()?.(event.text);
      case "close":
        this.#inbox.end(`closed with ${event.code} ${event.reason}`);
        return this.#close({ code: event.code, reason: event.reason });
      case "failed":
        this.#inbox.end(event.why);
        return this.#failed(new Error(event.why));
    }
  }

  #ping(payload: string): Promise<string> {
    return new Promise((done) => {
      this.#pongs.push(done);
      this.#tell({ n: this.#n, do: "ping", text: payload });
    });
  }
}

/** Starts a program that speaks the protocol above on its standard input and output. */
export async function startRemote(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Peer> {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...env } });
  await once(child, "spawn");
  const connections = new RemoteConnections((command) => child.stdin.write(`${JSON.stringify(command)}\n`));
  child.stdin.on("error", () => {}); // the program has ended: its exit tells
  createInterface({ input: child.stdout }).on("line", (line) => connections.hear(JSON.parse(line) as RemoteEvent));
  const exited = once(child, "close");
  void exited.then(([code, signal]) => connections.end(`${file} ended: ${code ?? signal}`));
  return { connect: (url) => connections.connect(url), stop: () => end(child, exited) };
}

/** Its input ending is what tells the program to end; a program that does not is killed. */
async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  child.stdin?.end();
  const laggard = setTimeout(() => child.kill("SIGKILL"), 3_000);
  await exited;
  clearTimeout(laggard);
}
