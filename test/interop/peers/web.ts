/** What this needs of the WebSocket that every browser has, and Node, Bun and undici too. */
export interface WebSocketLike {
  binaryType: string;
  readonly extensions: string;
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: string | ArrayBuffer }) => void): void;
  addEventListener(type: "close", listener: (event: { code: number; reason: string }) => void): void;
}

export interface WebHost<Socket extends WebSocketLike> {
  readonly WebSocket: new (url: string) => Socket;
  readonly emit: (event: object) => void;
  /** For hosts that can ping, each in its own way. */
  readonly ping?: ((socket: Socket, payload: string) => void) | undefined;
  /** Calls back for each pong; only where there is `ping`. */
  readonly onPong?: ((socket: Socket, heard: (payload: string) => void) => void) | undefined;
}

/**
 * The web-standard WebSocket as a remote peer (see remote.ts). It stands on its own, using nothing of this module, so that its
 * text can be evaluated in a page of Chromium; web-main.ts runs it in Node and Bun. Answers with the function that obeys.
 */
export function webPeer<Socket extends WebSocketLike>({ WebSocket, emit, ping, onPong }: WebHost<Socket>) {
  const sockets = new Map<number, Socket>();
  // oxlint-disable unicorn/consistent-function-scoping -- outside they would not be part of the text
  const encode = (bytes: Uint8Array): string => {
    let binary = "";
    for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(binary);
  };
  const decode = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // oxlint-enable unicorn/consistent-function-scoping

  function connect(n: number, url: string): void {
    const socket = new WebSocket(url);
    let opened = false;
    sockets.set(n, socket);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      opened = true;
      emit({ n, on: "open", extensions: socket.extensions, pings: ping !== undefined });
    });
    socket.addEventListener("message", ({ data }) => {
      const payload = typeof data === "string" ? { text: data } : { base64: encode(new Uint8Array(data)) };
      emit({ n, on: "message", ...payload });
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (opened) emit({ n, on: "close", code, reason });
      else emit({ n, on: "failed", why: `the handshake failed: ${code} ${reason}` });
    });
    socket.addEventListener("error", () => {}); // a close event always follows
    onPong?.(socket, (text) => emit({ n, on: "pong", text }));
  }

  return (command: {
    n: number;
    do: string;
    url?: string;
    text?: string;
    base64?: string;
    code?: number;
    reason?: string;
  }): void => {
    const socket = sockets.get(command.n);
    if (command.do === "connect") connect(command.n, command.url!);
    else if (command.do === "send") socket!.send(command.text ?? decode(command.base64!));
    else if (command.do === "ping") ping!(socket!, command.text!);
    else if (command.do === "close") socket!.close(command.code!, command.reason!);
  };
}
