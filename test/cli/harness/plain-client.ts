/** A client of a room that knows nothing of the hub. */
import { once } from "node:events";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";

export interface PlainClient {
  /** Text, and bytes in hexadecimal, in the order in which they came. */
  readonly heard: readonly string[];
  send(data: string | Uint8Array): void;
}

export async function plainClient(
  t: TestContext,
  server: { readonly url: string },
  room: string,
): Promise<PlainClient> {
  const socket = new WebSocket(new URL(room, server.url));
  t.after(() => socket.terminate());
  const heard: string[] = [];
  socket.on("message", (data: Buffer, isBinary) => heard.push(data.toString(isBinary ? "hex" : "utf8")));
  await once(socket, "open");
  return { heard, send: (data) => socket.send(data) };
}
