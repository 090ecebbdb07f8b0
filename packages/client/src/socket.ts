import type { Send } from "./queue.js";

/** What this package needs of a WebSocket: browsers, Node from 22, Bun, Deno and the package `ws` have it. */
export interface WebSocketLike {
  readonly protocol: string;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
}

export type WebSocketConstructor = new (url: string, protocol: string) => WebSocketLike;

export interface SocketEvents {
  readonly opened: (protocol: string) => void;
  readonly received: (frame: string | ArrayBuffer) => void;
  readonly closed: (code: number) => void;
}

export interface Socket {
  readonly send: Send;
  /** From now on nothing is heard of it. */
  readonly close: () => void;
}

/** @throws what the constructor throws */
export function openSocket(
  WebSocket: WebSocketConstructor,
  url: string,
  protocol: string,
  { opened, received, closed }: SocketEvents,
): Socket {
  const socket = new WebSocket(url, protocol);
  // One listener each, which `close` takes away; and a class of the application's own may have no addEventListener.
  /* oxlint-disable unicorn/prefer-add-event-listener */
  socket.binaryType = "arraybuffer";
  socket.onopen = () => opened(socket.protocol);
  socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => received(data);
  socket.onclose = ({ code }: { code: number }) => closed(code);
  // It is followed by `close`, and says less; but `ws` throws what nobody listens to.
  socket.onerror = () => {};
  return {
    send: (frame) => socket.send(frame as string | Uint8Array<ArrayBuffer>),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
}
