/**
 * A wire tap: a TCP relay in front of the server that writes down the WebSocket frames of both directions. It shows what a
 * client's API hides (the browser's pongs, whether a frame was really compressed) and what it may get wrong about itself.
 */
import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { type Frame, FrameReader } from "../../harness/frames.js";
import { reset } from "../../harness/reset.js";

export interface TappedConnection {
  /** The client's request head and the server's response head, as text. */
  readonly request: string;
  readonly response: string;
  readonly fromClient: readonly Frame[];
  readonly fromServer: readonly Frame[];
  /** Rules of RFC 6455 that the server's frames broke. */
  readonly violations: readonly string[];
}

export interface Tap {
  readonly port: number;
  /** Connections that were upgraded, oldest first. */
  readonly connections: readonly TappedConnection[];
  /** Resolves as soon as `condition` answers something other than undefined, asking again whenever bytes have passed. */
  when<T>(condition: () => T | undefined): Promise<T>;
  stop(): void;
}

export async function startTap(targetPort: number): Promise<Tap> {
  const connections: TappedConnection[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const tapped = tapConnection(client, upstream);
    let listed = false;
    for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => reset(to)); // a reset stays a reset
      from.on("close", () => sockets.delete(from));
      from.on("data", () => {
        if (!listed && tapped.response !== "") listed = connections.push(tapped) > 0;
        for (const check of waiting) check();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    when: (condition) =>
      new Promise((done) => {
        const check = (): void => {
          const answer = condition();
          if (answer === undefined) return;
          waiting.delete(check);
          done(answer);
        };
        waiting.add(check);
        check();
      }),
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function tapConnection(client: Socket, upstream: Socket): TappedConnection {
  const reader = new FrameReader();
  const tapped = {
    request: "",
    response: "",
    fromClient: [] as Frame[],
    fromServer: [] as Frame[],
    violations: reader.violations,
  };
  const requestHead = new Head();
  const responseHead = new Head();
  const clientFrames = new ClientFrames();
  client.on("data", (chunk: Buffer) => {
    const rest = requestHead.push(chunk);
    if (rest !== undefined) tapped.fromClient.push(...clientFrames.push(rest));
  });
  upstream.on("data", (chunk: Buffer) => {
    const rest = responseHead.push(chunk);
    if (rest === undefined || !responseHead.text.startsWith("HTTP/1.1 101 ")) return;
    tapped.request = requestHead.text;
    tapped.response = responseHead.text;
    tapped.fromServer.push(...reader.push(rest));
  });
  return tapped;
}

/** Collects an HTTP head; hands on the bytes after it. */
class Head {
  text = "";
  #whole = false;

  push(chunk: Buffer): Buffer | undefined {
    if (this.#whole) return chunk;
    const bytes = Buffer.concat([Buffer.from(this.text, "latin1"), chunk]);
    const end = bytes.indexOf("\r\n\r\n");
    this.#whole = end >= 0;
    this.text = bytes.toString("latin1", 0, this.#whole ? end + 4 : bytes.length);
    return this.#whole ? bytes.subarray(end + 4) : undefined;
  }
}

/** Reads a well-behaved client's frames and takes their masks off. */
class ClientFrames {
  #bytes: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Frame[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const [first, second] = this.#bytes;
      if (first === undefined || second === undefined) return frames;
      const form = second & 0x7f;
      const maskAt = form === 126 ? 4 : form === 127 ? 10 : 2;
      if (this.#bytes.length < maskAt) return frames;
      const length =
        form === 126 ? this.#bytes.readUInt16BE(2) : form === 127 ? Number(this.#bytes.readBigUInt64BE(2)) : form;
      const end = maskAt + 4 + length;
      if (this.#bytes.length < end) return frames;
      const mask = this.#bytes.subarray(maskAt, maskAt + 4);
      const payload = this.#bytes.subarray(maskAt + 4, end).map((byte, i) => byte ^ mask[i % 4]!);
      frames.push({
        fin: (first & 0x80) !== 0,
        rsv: (first >> 4) & 7,
        opcode: first & 0xf,
        payload: Buffer.from(payload),
      });
      this.#bytes = this.#bytes.subarray(end);
    }
  }
}
