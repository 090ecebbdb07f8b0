/** Opening a WebSocket: the socket, TLS where the URL says so, and the handshake, all within one time. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { makeRequest, type Offer, readAnswer } from "./client-handshake.js";
import { MAX_HEAD_BYTES, skipInterim } from "./interim.js";
import { OpenError, socketErrorText } from "./open-error.js";
import { nameOf, placeOf, type Target } from "./target.js";
import { type ClientSettings, WebSocketClient } from "./web-socket-client.js";

export interface OpenOptions extends Offer, ClientSettings {
  /** For all of it, in milliseconds. */
  readonly timeoutMs: number;
  /** Take any certificate: whoever is in between can read and change everything. */
  readonly dangerouslyAcceptAnyCertificate: boolean;
}

export const openDefaults: OpenOptions = Object.freeze({
  subprotocols: [],
  headers: [],
  compression: false,
  // Long enough for a server that is busy, short enough for a person who waits.
  timeoutMs: 10_000,
  maxMessageBytes: 64 * 1024 * 1024,
  closeTimeoutMs: 2000,
  dangerouslyAcceptAnyCertificate: false,
});

/** @throws OpenError (by rejection) */
export function openWebSocket(target: Target, options: OpenOptions): Promise<WebSocketClient> {
  return new Promise((resolve, reject) => {
    const request = makeRequest(target, options);
    const fail = (kind: string, text: string): void => {
      finish();
      socket.destroy();
      reject(new OpenError(nameOf(target), kind, text));
    };
    const timer = setTimeout(
      () => fail("timeout", `no answer within ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    );
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const final = skipInterim(received);
      if (final === undefined) return fail("interim", "it sends one interim answer after another, and no final one");
      if (!"HTTP/1.".startsWith(final.toString("latin1", 0, 7)))
        return fail("not HTTP", "what answers there does not speak HTTP/1.1");
      const end = final.indexOf("\r\n\r\n");
      const headBytes = end < 0 ? received.length : received.length - final.length + end;
      if (headBytes > MAX_HEAD_BYTES) return fail("not HTTP", "its answer has a head without an end");
      if (end < 0) return;
      const answer = readAnswer(final.toString("latin1", 0, end), request.key, options);
      if ("kind" in answer) return fail(answer.kind, answer.text);
      finish();
      resolve(new WebSocketClient(socket, answer, options, final.subarray(end + 4)));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const { kind, text } = socketErrorText(error);
      fail(kind, text);
    };
    const onClose = (): void => fail("closed", "it closed the connection without an answer: no WebSocket there");
    const finish = (): void => {
      clearTimeout(timer);
      socket.off("data", onData).off("error", onError).off("close", onClose);
      // An error between here and whoever listens next, or after we have given up, is nobody's business.
      socket.on("error", () => {});
    };
    const socket = connect(target, options);
    socket.on("data", onData).on("error", onError).on("close", onClose);
    socket.write(request.text);
  });
}

function connect(target: Target, options: OpenOptions): Socket {
  const place = placeOf(target);
  if (!target.isSecure) return connectTcp({ ...place, noDelay: true });
  const name = target.url.hostname.replace(/^\[(.*)\]$/, "$1");
  return connectTls({
    ...place,
    // RFC 6066 3: an address is no server name. The certificate is held against the address then.
    ...(isIP(name) ? {} : { servername: name }),
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: !options.dangerouslyAcceptAnyCertificate,
  }).setNoDelay(true);
}

const OTHER_LOOPBACK: Readonly<Record<string, string>> = { "127.0.0.1": "::1", "::1": "127.0.0.1" };

/**
 * Opens a first connection, and finds out which address of `localhost` the server listens on: some listen on ::1 alone.
 * @returns the connection, and the target as others can use it
 * @throws OpenError (by rejection)
 */
export async function openFirst(
  target: Target,
  options: OpenOptions,
): Promise<{ client: WebSocketClient; target: Target }> {
  try {
    return { client: await openWebSocket(target, options), target };
  } catch (error) {
    const address = target.url.hostname === "localhost" ? OTHER_LOOPBACK[target.address] : undefined;
    if (!(error instanceof OpenError) || error.kind !== "ECONNREFUSED" || address === undefined) throw error;
    const other = { ...target, address };
    const client = await openWebSocket(other, options).catch(() => Promise.reject(error));
    return { client, target: other };
  }
}
