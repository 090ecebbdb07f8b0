/** HTTP/2 frame by frame (RFC 9113), for clients that no library lets be so rude. */
import { once } from "node:events";
import type { TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { until } from "./concurrency.js";

/** Types of frames (RFC 9113 6). */
export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames. An acknowledgement has the bit that elsewhere ends the stream. */
export const flag = { none: 0, ack: 1, endStream: 1, endHeaders: 4 } as const;

/** Settings (RFC 9113 6.5.2). */
export const setting = { initialWindowSize: 4 } as const;

/** One frame as it came. */
export interface WireFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

type Fields = Readonly<Record<string, string | undefined>>;

/** One frame, whatever its payload is. */
export function encode(kind: number, flags: number, stream: number, payload: Uint8Array = NOTHING): Buffer {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(kind, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

/** A payload of 32-bit numbers: RST_STREAM and WINDOW_UPDATE have one, GOAWAY two. */
export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  settings.forEach(([id, value], i) => payload.writeUInt32BE(value, payload.writeUInt16BE(id, 6 * i)));
  return encode(type.settings, flag.none, 0, payload);
}

/** A header block (RFC 7541 6.2.2) without Huffman's code, and without the table. Fields that are undefined are left out. */
export function encodeBlock(fields: Fields): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(Buffer.of(0), encodeString(name), encodeString(value));
  }
  return Buffer.concat(parts);
}

/** An integer (RFC 7541 5.1) in the low `bits` of its first octet, beside what is in `first` already. */
export function encodeInteger(value: number, bits: number, first = 0): Buffer {
  const max = 2 ** bits - 1;
  if (value < max) return Buffer.of(first | value);
  const octets = [first | max];
  for (value -= max; value >= 128; value = Math.floor(value / 128)) octets.push((value % 128) | 128);
  return Buffer.from([...octets, value]);
}

export function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([encodeInteger(bytes.length, 7), bytes]);
}

/** The head of a handshake (RFC 8441 5), with some of its fields changed. */
export function handshake(fields: Fields = {}): Fields {
  return {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":path": "/",
    ":authority": "localhost",
    "sec-websocket-version": "13",
    ...fields,
  };
}

/** One connection. It answers nothing by itself, and acknowledges no settings. */
export class Http2Wire {
  readonly #socket: TLSSocket;
  #pending: Buffer = NOTHING;
  /** What has come, in order. */
  readonly frames: WireFrame[] = [];

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
  }

  /** Connects, and says what its own settings are. The connection is gone with the test. */
  static async connect(
    test: TestContext,
    url: string,
    settings: readonly (readonly [id: number, value: number])[] = [],
  ): Promise<Http2Wire> {
    const wire = await Http2Wire.connectMute(test, url);
    wire.send(Buffer.from(PREFACE), encodeSettings(settings));
    return wire;
  }

  /** Connects, and says nothing. */
  static async connectMute(test: TestContext, url: string): Promise<Http2Wire> {
    const { hostname, port } = new URL(url);
    const options = {
      host: hostname,
      port: Number(port),
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      // Not in the types. It keeps its side when the server has ended its own.
      allowHalfOpen: true,
    };
    const socket = connect(options);
    test.after(() => socket.destroy());
    const wire = new Http2Wire(socket);
    await once(socket, "secureConnect");
    return wire;
  }

  /** The server has ended its side of the connection, or reset it, or we have. */
  get isOver(): boolean {
    return this.#socket.readableEnded || this.#socket.destroyed;
  }

  /** Nothing more can be sent: the server has closed the connection, and not its side alone. */
  get isReset(): boolean {
    return this.#socket.destroyed;
  }

  /** What we have written and the kernel has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(...frames: Uint8Array[]): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(Buffer.concat(frames));
  }

  /** HEADERS that begin a stream, or that are its trailers. */
  sendHeaders(stream: number, fields: Fields, flags: number = flag.endHeaders): void {
    this.send(encode(type.headers, flags, stream, encodeBlock(fields)));
  }

  /** Begins a stream, and waits for it to be accepted. */
  async open(stream: number, fields: Fields = {}): Promise<void> {
    this.sendHeaders(stream, handshake(fields));
    await until(() => this.of(type.headers, stream).length > 0 || this.isOver, "a response");
    if (!this.isAccepted(stream)) throw new Error(`stream ${stream} was not accepted`);
  }

  /** Whether it was answered with 200. */
  isAccepted(stream: number): boolean {
    // RFC 7541 appendix A: entry 8 is `:status: 200`.
    return this.of(type.headers, stream)[0]?.payload[0] === 0x88;
  }

  /** Writes what `frames` gives for 0, 1, 2 and so on, `times` at most, until `isDone` or the end of the connection. @returns how often */
  async flood(
    times: number,
    frames: (i: number) => Uint8Array,
    isDone: () => boolean = () => false,
    perTurn = 100,
  ): Promise<number> {
    let i = 0;
    while (i < times && !this.isOver && !isDone()) {
      const batch: Uint8Array[] = [];
      for (const end = Math.min(times, i + perTurn); i < end; i++) batch.push(frames(i));
      this.send(...batch);
      await new Promise((next) => setImmediate(next));
    }
    return i;
  }

  /** The frames of one type that have come, of one stream or of all. */
  of(kind: number, stream?: number): WireFrame[] {
    return this.frames.filter((frame) => frame.type === kind && (stream === undefined || frame.stream === stream));
  }

  /** Codes of the RST_STREAM frames that have come for a stream. */
  resets(stream: number): number[] {
    return this.of(type.reset, stream).map(({ payload }) => payload.readUInt32BE(0));
  }

  /** Codes of the GOAWAY frames that have come. */
  get goaways(): number[] {
    return this.of(type.goaway).map(({ payload }) => payload.readUInt32BE(4));
  }

  /** What has come on a stream as DATA. */
  dataOf(stream: number): Buffer {
    return Buffer.concat(this.of(type.data, stream).map(({ payload }) => payload));
  }

  /** Reads no more, so that the connection fills up. */
  pause(): void {
    this.#socket.pause();
  }

  /** Waits for the server to let go of the connection, which is noticed by writing to it. */
  async reset(): Promise<void> {
    await until(() => {
      this.send(encode(type.ping, flag.none, 0, Buffer.alloc(8)));
      return this.isReset;
    }, "the end of the connection");
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const length = bytes.length < 9 ? Infinity : 9 + bytes.readUIntBE(0, 3);
      if (bytes.length < length) break;
      const [kind, flags, stream] = [bytes[3]!, bytes[4]!, bytes.readUInt32BE(5)];
      this.frames.push({ type: kind, flags, stream, payload: bytes.subarray(9, length) });
      bytes = bytes.subarray(length);
    }
    this.#pending = bytes;
  }
}

const NOTHING = Buffer.alloc(0);
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
