import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerOptions } from "./api/options.js";
import { answerRefused, answerRefusedStream } from "./handshake/response.js";

/** What is done about ordinary requests, and who is told. */
export interface RequestPort {
  /** The application's. */
  readonly handler: ServerOptions["request"];
  /** @returns false for a request that is no handshake */
  refuseHandshake(request: IncomingMessage, response: ServerResponse): boolean;
  onHandlerError(error: unknown): void;
  /** One that had asked for the shutdown has been answered. */
  onCloserAnswered(): void;
}

/** HTTP requests that are no upgrade: the application's, unless they are handshakes that went wrong. */
export class OrdinaryRequests {
  readonly #port: RequestPort;
  /** How many are being answered. */
  #open = 0;
  /** The one whose handler is being called, and those whose handlers have asked for the shutdown: nobody waits for these. */
  #called: ServerResponse | null = null;
  readonly #closers = new Set<ServerResponse>();
  /** Connections that end with the answer they have. What has come behind its request, in one piece with it, is not worked on. */
  readonly #answeredLast = new WeakSet<object>();

  constructor(port: RequestPort) {
    this.#port = port;
  }

  /** Whether none is being answered. */
  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** Whether all those that are being answered wait for the shutdown themselves. There are some. */
  get haveAllAskedToClose(): boolean {
    return this.#open > 0 && this.#open === this.#closers.size;
  }

  /** The server shuts down; it may be the handler that is being called who asked for it. */
  noteCloser(): void {
    if (this.#called !== null) this.#closers.add(this.#called);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    // RFC 9112 9.6: who has sent `close` "MUST NOT process any further requests received on that connection".
    if (this.#answeredLast.has(request.socket)) return;
    this.#open++;
    response.once("close", () => {
      this.#open--;
      if (this.#closers.delete(response)) this.#port.onCloserAnswered();
    });
    const { handler } = this.#port;
    const isRefused = this.#port.refuseHandshake(request, response);
    if (!isRefused && handler !== undefined) {
      void this.#call(handler, request, response);
      return;
    }
    const says = "This is a WebSocket server.\n";
    // RFC 9113 8.6: HTTP/2 has no upgrades. Its connection goes on with its other streams.
    if (request.httpVersionMajor >= 2) {
      if (!isRefused) answerRefusedStream(response, 404, {}, says);
      return;
    }
    this.#answeredLast.add(request.socket);
    // RFC 9110 15.5.22: 426 tells what to upgrade to.
    if (!isRefused) answerRefused(response, 426, { Upgrade: "websocket" }, says);
  }

  async #call(
    handler: NonNullable<ServerOptions["request"]>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      this.#called = response;
      const result = handler(request, response);
      this.#called = null;
      await result;
    } catch (error) {
      this.#called = null;
      this.#port.onHandlerError(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, request.httpVersionMajor >= 2 ? {} : { Connection: "close" }).end();
    }
  }
}
