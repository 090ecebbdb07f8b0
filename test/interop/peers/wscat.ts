/**
 * `wscat` as a person uses it: on a terminal (`script` gives it one), typing lines and reading what it prints. It is a client
 * for text; what a line of a terminal cannot carry (binary, 512 KiB) it cannot send.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Closed, Inbox, type Peer, type PeerConnection } from "./peer.js";

const wscat = join(dirname(createRequire(import.meta.url).resolve("wscat/package.json")), "bin/wscat");

/** How wscat prints one thing on a terminal: it clears its prompt, writes "< " and the text, and resets the colour. */
const ESC = "\u001b";
const PRINTED = new RegExp(`${ESC}\\[2K${ESC}\\[3D(< |error: )?([^${ESC}]*)${ESC}\\[39m\r?\n`, "g");

export async function startWscat(): Promise<Peer> {
  const running = new Set<Terminal>();
  return {
    async connect(url) {
      const terminal = new Terminal(url);
      running.add(terminal);
      await terminal.connected;
      return terminal;
    },
    async stop() {
      await Promise.all([...running].map((terminal) => terminal.stop()));
    },
  };
}

class Terminal implements PeerConnection {
  readonly extensions = undefined;
  readonly connected: Promise<void>;
  readonly closed: Promise<Closed>;
  readonly #child;
  readonly #exited: Promise<unknown>;
  readonly #inbox = new Inbox();
  readonly #pongs: ((payload: string) => void)[] = [];
  #screen = "";
  #connected!: () => void;
  #failed!: (error: Error) => void;
  #closed!: (closed: Closed) => void;

  constructor(url: string) {
    this.connected = new Promise((done, fail) => ([this.#connected, this.#failed] = [done, fail]));
    this.closed = new Promise((done) => (this.#closed = done));
    const command = `'${process.execPath}' '${wscat}' --no-color --slash --show-ping-pong --connect '${url}'`;
    this.#child = spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, SHELL: "/bin/sh", TERM: "xterm" },
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    this.#child.stdin.on("error", () => {}); // wscat has ended: its exit tells
    this.#exited = once(this.#child, "close");
    this.#child.on("close", () => {
      this.#inbox.end("wscat ended");
      this.#failed(new Error(`wscat ended: ${this.#screen}`));
    });
  }

  send(data: string | Uint8Array): void {
    this.#child.stdin.write(`${String(data)}\r`);
  }

  next = () => this.#inbox.next();

  ping = (payload: string): Promise<string> =>
    new Promise((done) => {
      this.#pongs.push(done);
      this.send(`/ping ${payload}`);
    });

  close(code: number, reason: string): void {
    this.send(`/close ${code} ${reason}`);
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL"); // the terminal hangs up, and wscat ends with it
    await this.#exited;
  }

  #read(text: string): void {
    this.#screen += text;
    let end = 0;
    for (const [whole, kind, line = ""] of this.#screen.matchAll(PRINTED)) {
      end = this.#screen.indexOf(whole, end) + whole.length;
      this.#printed(kind === "< ", line);
    }
    this.#screen = this.#screen.slice(end);
  }

  #printed(incoming: boolean, line: string): void {
    const pong = /^Received pong \(data: "(.*)"\)$/.exec(line);
    const closed = /^Disconnected \(code: (\d+), reason: "(.*)"\)$/.exec(line);
    if (pong !== null) this.#pongs.shift()?.(pong[1] ?? "");
    else if (line.startsWith("Received ping")) return;
    else if (incoming) this.#inbox.put({ binary: false, data: Buffer.from(line) });
    else if (line.startsWith("Connected")) this.#connected();
    else if (closed !== null) this.#closed({ code: Number(closed[1]), reason: closed[2] ?? "" });
  }
}
