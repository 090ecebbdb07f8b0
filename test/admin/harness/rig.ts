/** A server with its admin listener on loopback ports, asked as others might ask it. */
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import type { TestContext } from "node:test";
import { type Admin, type AdminOptions, createAdmin, LogTail } from "#admin/index.js";
import { createServer, type Server, type ServerOptions } from "#hawser/index.js";
import { WebSocket } from "ws";
import { LogBook } from "../../harness/rig.js";
import { StepClock } from "../../harness/step-clock.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AdminRig {
  readonly server: Server<string>;
  /** Of the server and of the admin listener. */
  readonly clock: StepClock;
  readonly admin: Admin;
  /** The admin listener's lines. */
  readonly log: LogBook;
  readonly logTail: LogTail;
  readonly port: number;
  /** A client of the server. */
  readonly client: (path?: string, subprotocols?: string[]) => Promise<WebSocket>;
  /** One request to the admin listener; `host` alone is sent unless there are other headers. */
  readonly ask: (path: string, headers?: Record<string, string>, method?: string) => Promise<Answer>;
  readonly dashboard: (headers?: Record<string, string>) => Promise<Dashboard>;
  /** The status that a handshake for the live feed is answered with; 101: it is open. */
  readonly handshake: (headers: Record<string, string>) => Promise<number>;
  /** The same as a page does it, with the token among the subprotocols; and the one that was chosen. */
  readonly page: (
    token: string,
    headers?: Record<string, string>,
  ) => Promise<[status: number, subprotocol: string | undefined]>;
}

export async function startAdmin(
  t: TestContext,
  options: AdminOptions = {},
  serverOptions: ServerOptions<string> = {},
): Promise<AdminRig> {
  const clock = new StepClock();
  const log = new LogBook();
  const logTail = new LogTail();
  const quiet = new LogBook();
  const server = createServer<string>({
    open(client) {
      client.data = client.path;
      client.subscribe(client.path);
    },
    message(client, message) {
      server.publish(client.data, message, { except: client });
    },
    ...serverOptions,
    logger: logTail.tee(quiet),
    clock,
  });
  const admin = createAdmin(server, { logger: log, logTail, clock, ...options });
  const { port: serverPort } = await server.listen(0);
  const { port } = await admin.listen(0);
  const sockets = new Set<WebSocket>();
  t.after(async () => {
    for (const socket of sockets) socket.terminate();
    const closing = server.close({ graceMs: 0 });
    // The server's clock stands still by itself.
    const ticking = setInterval(() => clock.advance(100), 5);
    await Promise.all([closing, admin.close()]);
    clearInterval(ticking);
  });

  const open = (url: string, headers: Record<string, string> = {}, subprotocols: string[] = []): WebSocket => {
    const socket = new WebSocket(url, subprotocols, { headers });
    socket.on("error", () => {});
    sockets.add(socket);
    return socket;
  };
  return {
    server,
    clock,
    admin,
    log,
    logTail,
    port,
    async client(path = "/lobby", subprotocols = []) {
      const socket = open(`ws://127.0.0.1:${serverPort}${path}`, {}, subprotocols);
      await once(socket, "open");
      return socket;
    },
    ask: (path, headers = {}, method = "GET") => ask(port, path, headers, method),
    async dashboard(headers = {}) {
      const socket = open(`ws://127.0.0.1:${port}/live`, headers);
      const dashboard = new Dashboard(socket);
      await once(socket, "open");
      return dashboard;
    },
    async handshake(headers) {
      return statusOf(open(`ws://127.0.0.1:${port}/live`, headers));
    },
    async page(token, headers = {}) {
      const socket = open(`ws://127.0.0.1:${port}/live`, headers, ["hawser.admin", `hawser.token.${token}`]);
      return [await statusOf(socket), socket.protocol || undefined];
    },
  };
}

function statusOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
  });
}

export function ask(port: number, path: string, headers: Record<string, string>, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.once("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.once("error", reject);
    asked.end();
  });
}

/** What a message of the feed has; the rest by name. */
export interface FeedMessage {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** An open dashboard, without the page. */
export class Dashboard {
  readonly socket: WebSocket;
  /** Everything that it was told and nobody has waited for. */
  readonly #told: FeedMessage[] = [];
  #wake: () => void = () => {};

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      this.#told.push(JSON.parse(data.toString()) as FeedMessage);
      this.#wake();
    });
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next message of this type; those of other types stay. */
  async next(type: string): Promise<FeedMessage> {
    for (;;) {
      const at = this.#told.findIndex((message) => message.type === type);
      if (at >= 0) return this.#told.splice(at, 1)[0]!;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Code and reason with which the listener closed it. */
  async closed(): Promise<[code: number, reason: string]> {
    const [code, reason] = (await once(this.socket, "close")) as [number, Buffer];
    return [code, reason.toString()];
  }
}
