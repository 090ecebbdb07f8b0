/** The tools' own client as a class that looks like the WebSocket of browsers, for libraries that take such a class. */
import { CloseCode } from "hawser/protocol";
import { OpenError } from "./open-error.js";
import { openFirst, openWebSocket, type OpenOptions } from "./open-web-socket.js";
import type { Target } from "./target.js";
import type { Ending, WebSocketClient } from "./web-socket-client.js";

/** The part of a browser's WebSocket that there is. */
interface BrowserSocket {
  /** "" until it is open. */
  readonly protocol: string;
  /** Bytes come as an ArrayBuffer, whatever this says. */
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
}

export interface WebSockets {
  /** Each opens a connection to the target, with its options, whatever the URL is that it is given. */
  readonly WebSocket: new (url: string, protocol: string) => BrowserSocket;
  /** How the last attempt or connection ended. */
  readonly last: OpenError | Ending | null;
  /** Reads nothing more, until `resume`: what comes waits at the server. */
  pause(): void;
  resume(): void;
  /** Resolves when no connection is left. */
  ended(): Promise<void>;
  /** Cuts what is left. */
  terminate(): void;
}

export function webSocketsTo(target: Target, options: OpenOptions): WebSockets {
  const clients = new Set<WebSocketClient>();
  let known: Target | null = null;
  let last: OpenError | Ending | null = null;
  let isPaused = false;
  let onEnded = (): void => {};

  /** The first finds out which address of `localhost` it is. */
  async function open(protocol: string): Promise<WebSocketClient> {
    const offer = { ...options, subprotocols: [protocol] };
    if (known !== null) return openWebSocket(known, offer);
    const first = await openFirst(target, offer);
    known = first.target;
    return first.client;
  }

  class Socket implements BrowserSocket {
    protocol = "";
    binaryType = "arraybuffer";
    onopen: ((event: never) => void) | null = null;
    onmessage: ((event: never) => void) | null = null;
    onclose: ((event: never) => void) | null = null;
    onerror: ((event: never) => void) | null = null;
    #client: WebSocketClient | null = null;
    #closedWith: number | null = null;

    constructor(_url: string, protocol: string) {
      open(protocol).then(
        (client) => this.#opened(client),
        (error: unknown) => {
          if (!(error instanceof OpenError)) throw error;
          last = error;
          this.onclose?.({ code: CloseCode.abnormal } as never);
        },
      );
    }

    send(data: string | Uint8Array): void {
      this.#client?.send(data);
    }

    close(code: number = CloseCode.normal): void {
      this.#closedWith = code;
      this.#client?.close(code);
    }

    #opened(client: WebSocketClient): void {
      this.#client = client;
      this.protocol = client.subprotocol;
      clients.add(client);
      if (isPaused) client.pause();
      if (this.#closedWith === null) this.onopen?.({} as never);
      else client.close(this.#closedWith);
      client.listen({
        onMessage: (bytes, start, end, isBinary) => {
          const data = isBinary
            ? bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end)
            : bytes.toString("utf8", start, end);
          this.onmessage?.({ data } as never);
        },
        onEnd: (ending) => {
          last = ending;
          clients.delete(client);
          if (clients.size === 0) onEnded();
          this.onclose?.({ code: ending.code } as never);
        },
      });
    }
  }

  return {
    WebSocket: Socket,
    get last() {
      return last;
    },
    pause() {
      isPaused = true;
      for (const client of clients) client.pause();
    },
    resume() {
      isPaused = false;
      for (const client of clients) client.resume();
    },
    ended: () => (clients.size === 0 ? Promise.resolve() : new Promise((resolve) => (onEnded = resolve))),
    terminate() {
      for (const client of clients) client.terminate();
    },
  };
}
