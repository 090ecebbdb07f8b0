/** The HTTP API on a server of `node:http`, and a client that may do wrong whatever can be done wrong. */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { hubHttp, type HubHttpListener } from "#hawser/hub/http/hub-http.js";
import type { HubHttpOptions } from "#hawser/hub/http/options.js";
import { StepClock } from "../../../harness/step-clock.js";
import { checkAnswer } from "./contract.js";
import { FakeHub } from "./fake-hub.js";

export const KEY = "a-key-of-thirty-two-characters-1";

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Text as it is, or what becomes JSON. */
  readonly body?: unknown;
  readonly key?: string | null;
}

export class Rig {
  readonly hub = new FakeHub();
  readonly clock = new StepClock();
  readonly refusedFrom: string[] = [];
  readonly failures: [string, unknown][] = [];
  readonly listener: HubHttpListener;
  readonly #server;

  constructor(options: Partial<HubHttpOptions> = {}, wrap?: (listener: HubHttpListener) => RequestListener) {
    this.listener = hubHttp(this.hub, {
      key: KEY,
      clock: this.clock,
      onKeyRefused: (address) => this.refusedFrom.push(address),
      onFailure: (operation, error) => this.failures.push([operation, error]),
      ...options,
    });
    const plain: RequestListener = (request, response) => {
      if (!this.listener(request, response)) response.writeHead(418).end("{}");
    };
    this.#server = createServer(wrap?.(this.listener) ?? plain);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** Asks for a path below the base. Answers of operations are held against the document. */
  readonly ask = async (name: string, { method = "POST", headers = {}, body, key = KEY }: Ask = {}): Promise<Asked> => {
    const text =
      body === undefined ? "" : typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const path = name.startsWith("/") ? name : `/hub/${name}`;
    const request = httpRequest({
      port: this.port,
      path,
      method,
      agent: false,
      headers: {
        ...(method === "POST"
          ? { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(text)) }
          : {}),
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...headers,
      },
    });
    request.end(text);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks).toString("utf8");
    const status = response.statusCode!;
    if (method === "POST" && /^\/hub\/(?:publish|broadcast|history|members|count|revoke)$/.test(path)) {
      checkAnswer(name, status, response.headers, answer);
    }
    const parsed = answer === "" ? {} : (JSON.parse(answer) as Record<string, unknown>);
    return { status, headers: response.headers, text: answer, body: parsed };
  };

  /** Bytes as they are. @returns all that the server says until it closes, or until `enough` is there */
  readonly raw = async (bytes: string, enough?: RegExp): Promise<string> => {
    const socket = connect(this.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(bytes);
    let text = "";
    for await (const chunk of socket) {
      text += String(chunk);
      if (enough?.test(text)) break;
    }
    return text;
  };
}

/** Runs a test with a rig of its own. */
export async function withRig(
  use: (rig: Rig) => Promise<void>,
  options?: Partial<HubHttpOptions>,
  wrap?: (listener: HubHttpListener) => RequestListener,
): Promise<void> {
  const rig = await new Rig(options, wrap).listen();
  try {
    await use(rig);
  } finally {
    await rig.close();
  }
}
