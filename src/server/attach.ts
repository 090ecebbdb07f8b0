import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Listener } from "./host.js";

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What `attach` needs of an HTTP server: those of `node:http` and `node:https` have it, and what frameworks make of them. */
export interface UpgradeSource extends Listener {
  on(event: "upgrade", listener: UpgradeListener): unknown;
  removeListener(event: "upgrade", listener: UpgradeListener): unknown;
  listenerCount(event: "upgrade"): number;
}

/** One that takes handshakes. */
interface Taker {
  /** Whether the request's path is one that it serves. */
  serves(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, socket: Duplex, head: Buffer, listener: Listener): void;
}

/** Those attached to one HTTP server, behind one listener: so that each handshake gets one answer, whatever its path. */
const attachments = new WeakMap<UpgradeSource, { takers: Set<Taker>; listener: UpgradeListener }>();

/** @returns what undoes it */
export function attach(http: UpgradeSource, taker: Taker): () => void {
  const attachment = attachments.get(http) ?? listen(http);
  const { takers, listener } = attachment;
  takers.add(taker);
  return () => {
    takers.delete(taker);
    if (takers.size > 0) return;
    http.removeListener("upgrade", listener);
    attachments.delete(http);
  };
}

function listen(http: UpgradeSource): { takers: Set<Taker>; listener: UpgradeListener } {
  const takers = new Set<Taker>();
  const listener: UpgradeListener = (request, socket, head) => {
    // From the first tick, whoever answers: a reset that nobody listens for would end the process.
    socket.on("error", ignoreError);
    const [first] = takers;
    const taker = [...takers].find((one) => one.serves(request)) ?? first;
    // Another listener may want the paths that are not ours: a development server's hot reload, for instance.
    if (taker?.serves(request) || http.listenerCount("upgrade") === 1) taker?.handle(request, socket, head, http);
  };
  const attachment = { takers, listener };
  attachments.set(http, attachment);
  http.on("upgrade", listener);
  return attachment;
}

function ignoreError(): void {
  // The socket closes right after, and that is where it is counted.
}
