/** The two that read: our protocol core, and the receiver of `ws` as its server uses it. */
import * as ws from "ws";

import { Connection } from "#hawser/protocol/connection.js";
import { Inflater } from "#hawser/protocol/deflate.js";
import { readBuffer } from "#hawser/protocol/mask.js";
import type { Item, Outcome } from "./outcome.js";
import { type Compression, chunksOf, MAX_MESSAGE_BYTES, type Stream } from "./stream.js";

export type Peer = (stream: Stream) => Outcome | Promise<Outcome>;

/** @param maxMessageBytes another limit than the other peer's, to see that differences are found */
export function ours(stream: Stream, maxMessageBytes: number = MAX_MESSAGE_BYTES): Outcome {
  const items: Item[] = [];
  const copy = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
  const connection = new Connection(
    { role: "server", maxMessageBytes, inflater: inflaterFor(stream.compression) },
    {
      onMessage: (bytes, start, end, isBinary) =>
        void items.push({ what: "message", isBinary, bytes: copy(bytes.subarray(start, end)) }),
      onPing: (payload) => void items.push({ what: "ping", bytes: copy(payload) }),
      onPong: (payload) => void items.push({ what: "pong", bytes: copy(payload) }),
      onClose: ({ code, reason }) => void items.push({ what: "closed", code, reason }),
      onViolation: ({ code, name }) => void items.push({ what: "failed", code, name }),
    },
  );
  for (const piece of chunksOf(stream)) {
    // What comes whole is read from the buffer that sockets share, where short messages are unmasked together.
    const isShared = stream.cuts.length === 0 && piece.length <= readBuffer().length;
    const chunk = isShared ? readBuffer() : piece;
    if (isShared) piece.copy(chunk);
    if (connection.receive(chunk, 0, piece.length) !== piece.length)
      throw new Error("receive stopped although nobody paused it");
  }
  return withEnd(items);
}

function inflaterFor(compression: Compression | null): Inflater | null {
  if (compression === null) return null;
  const parameters = {
    serverNoContextTakeover: true,
    clientNoContextTakeover: compression.noContextTakeover,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: compression.windowBits,
  };
  return new Inflater(parameters, "server");
}

/** The parts of `ws` that its types leave out. */
interface WsInternals {
  Receiver: new (options: object) => NodeJS.WritableStream & { destroy(): void };
  PerMessageDeflate: new (options: object) => { accept(offers: object[]): object; cleanup(): void };
}
const { Receiver, PerMessageDeflate } = ws as unknown as WsInternals;

/** The close codes that go with the error codes `ws` documents; every other violation is 1002. */
const WS_CLOSE_CODES: Record<string, number> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

export async function theirs(stream: Stream): Promise<Outcome> {
  const items: Item[] = [];
  const deflate = stream.compression && acceptedBy(stream.compression);
  const receiver = new Receiver({
    isServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    extensions: deflate === null ? {} : { "permessage-deflate": deflate },
  });
  receiver.on("message", (bytes: Buffer, isBinary: boolean) => items.push({ what: "message", isBinary, bytes }));
  receiver.on("ping", (bytes: Buffer) => items.push({ what: "ping", bytes }));
  receiver.on("pong", (bytes: Buffer) => items.push({ what: "pong", bytes }));
  receiver.on("conclude", (code: number, reason: Buffer) =>
    items.push({ what: "closed", code, reason: reason.toString() }),
  );
  receiver.on("error", () => {}); // the callback of `write` gets it too
  for (const chunk of chunksOf(stream)) {
    if (isOver(items)) break;
    const error = await new Promise<unknown>((done) => receiver.write(chunk, done));
    if (error instanceof Error) items.push(failure(error));
  }
  receiver.destroy();
  deflate?.cleanup();
  return withEnd(items);
}

function acceptedBy({ noContextTakeover, windowBits }: Compression): InstanceType<WsInternals["PerMessageDeflate"]> {
  const deflate = new PerMessageDeflate({
    isServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    clientMaxWindowBits: windowBits,
  });
  deflate.accept([
    {
      client_max_window_bits: [String(windowBits)],
      ...(noContextTakeover ? { client_no_context_takeover: [true] } : {}),
    },
  ]);
  return deflate;
}

function failure(error: Error): Item {
  const name = "code" in error ? String(error.code) : error.message;
  return { what: "failed", name, code: name.startsWith("Z_") ? 1007 : (WS_CLOSE_CODES[name] ?? 1002) };
}

function isOver(items: readonly Item[]): boolean {
  const last = items.at(-1)?.what;
  return last === "closed" || last === "failed";
}

function withEnd(items: Item[]): Outcome {
  return isOver(items) ? items : [...items, { what: "open" }];
}
