/** What permessage-deflate is agreed on, RFC 7692 5 and 7.1: the client's offers in, the answer's header out. */

import { formatExtension, type Extension } from "./extensions.js";

/** How a server compresses. Whoever makes it has checked the ranges and says what the defaults are. */
export interface DeflateOptions {
  /**
   * Keep the window between messages: smaller messages, but up to 32 KiB of memory for each direction of each client, some
   * 40 µs more to compress each once the window is full, and no message is compressed once for all. False: both directions
   * begin each message afresh.
   */
  contextTakeover: boolean;
  /** log2 of the largest window we compress with, 8 to 15. */
  serverMaxWindowBits: number;
  /** log2 of the largest window a client may compress with, 8 to 15. Only a client that offers the choice can be told. */
  clientMaxWindowBits: number;
  /** zlib's, 1 (fastest) to 9 (smallest). */
  level: number;
  /** zlib's, 1 to 9. */
  memLevel: number;
  /** Shorter messages are sent as they are. The codec does not look at it: who sends does. */
  thresholdBytes: number;
}

/** The four parameters that both sides hold to, RFC 7692 7.1, defaults filled in. Frozen. */
export interface DeflateParameters {
  readonly serverNoContextTakeover: boolean;
  readonly clientNoContextTakeover: boolean;
  /** log2 of the window, 8 to 15. */
  readonly serverMaxWindowBits: number;
  readonly clientMaxWindowBits: number;
}

export interface DeflateAgreement {
  parameters: DeflateParameters;
  /** Value of the response's Sec-WebSocket-Extensions. */
  header: string;
}

const NAME = "permessage-deflate";
/** RFC 7692 7.1.2.1: without the parameter, "an LZ77 sliding window of up to 32,768 bytes". */
const DEFAULT_WINDOW_BITS = 15;

/**
 * Accepts the first offer that can be accepted. Offers of other extensions are passed over, which declines them.
 * Null: none; the connection then goes on without compression (RFC 7692 5.1).
 */
export function negotiateDeflate(offers: readonly Extension[], options: DeflateOptions): DeflateAgreement | null {
  for (const offer of offers) {
    const asked = offer.name === NAME ? readOffer(offer) : null;
    if (asked !== null) return agree(asked, options);
  }
  return null;
}

/** An offer's parameters by name. A value is `true` where there is none. */
type Offer = ReadonlyMap<string, number | true>;

function readOffer(offer: Extension): Offer | null {
  const asked = new Map<string, number | true>();
  for (const [name, text] of offer.params) {
    const value = readValue(name, text);
    // RFC 7692 7.1: "A server MUST decline an extension negotiation offer" with a parameter it does not know, with an invalid
    // value, or with two of the same name.
    if (value === null || asked.has(name)) return null;
    asked.set(name, value);
  }
  return asked;
}

function readValue(name: string, value: string | true): number | true | null {
  switch (name) {
    // RFC 7692 7.1.1: "This parameter has no value."
    case "server_no_context_takeover":
    case "client_no_context_takeover":
      return value === true ? true : null;
    // 7.1.2.1: it "has a decimal integer value without leading zeroes between 8 to 15, inclusive".
    case "server_max_window_bits":
      return readWindowBits(value);
    // 7.1.2.2: the same value, or none: the client would heed whatever the server says.
    case "client_max_window_bits":
      return value === true ? true : readWindowBits(value);
    default:
      return null;
  }
}

function readWindowBits(value: string | true): number | null {
  return value !== true && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null;
}

function agree(asked: Offer, options: DeflateOptions): DeflateAgreement {
  const serverWindow = asked.get("server_max_window_bits");
  const clientWindow = asked.get("client_max_window_bits");
  const parameters = Object.freeze({
    // RFC 7692 7.1.1.1: a server accepts this offer by answering with it, and may answer with it unasked. The same goes for
    // the client's (7.1.1.2), where the offer is a hint that we take up: it saves us the client's window.
    serverNoContextTakeover: !options.contextTakeover || asked.has("server_no_context_takeover"),
    clientNoContextTakeover: !options.contextTakeover || asked.has("client_no_context_takeover"),
    serverMaxWindowBits: smallerWindow(serverWindow, options.serverMaxWindowBits),
    // 7.1.2.2: a server MUST NOT answer with it unless it was offered, so without an offer the client keeps the whole window.
    clientMaxWindowBits:
      clientWindow === undefined ? DEFAULT_WINDOW_BITS : smallerWindow(clientWindow, options.clientMaxWindowBits),
  });

  const params: Extension["params"] = [];
  if (parameters.serverNoContextTakeover) params.push(["server_no_context_takeover", true]);
  if (parameters.clientNoContextTakeover) params.push(["client_no_context_takeover", true]);
  // 7.1.2.1: accepted by answering "with the same or smaller value", hence also when that is 15.
  if (serverWindow !== undefined || parameters.serverMaxWindowBits < DEFAULT_WINDOW_BITS) {
    params.push(["server_max_window_bits", String(parameters.serverMaxWindowBits)]);
  }
  if (parameters.clientMaxWindowBits < DEFAULT_WINDOW_BITS) {
    params.push(["client_max_window_bits", String(parameters.clientMaxWindowBits)]);
  }
  return { parameters, header: formatExtension({ name: NAME, params }) };
}

function smallerWindow(asked: number | true | undefined, ours: number): number {
  return typeof asked === "number" ? Math.min(asked, ours) : ours;
}
