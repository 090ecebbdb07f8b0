/** permessage-deflate as a client negotiates it: RFC 7692 7.1. */
import type { DeflateParameters } from "../protocol/deflate-negotiation.js";
import { type Extension, formatExtension, parseExtensions } from "../protocol/extensions.js";
import { type PerMessageDeflateOptions, windowBits } from "./deflate-options.js";

const NAME = "permessage-deflate";
const WHOLE_WINDOW = 15;

/** The value of Sec-WebSocket-Extensions in the request. */
export function offerDeflate(options: PerMessageDeflateOptions): string {
  const params: Extension["params"] = [];
  if (options.serverNoContextTakeover === true) params.push(["server_no_context_takeover", true]);
  if (options.clientNoContextTakeover === true) params.push(["client_no_context_takeover", true]);
  if (options.serverMaxWindowBits) params.push(["server_max_window_bits", valueOf(options.serverMaxWindowBits)]);
  // 7.1.2.2: without a value, it says that the client heeds whatever the server asks for.
  const clientMaxWindowBits = options.clientMaxWindowBits ?? true;
  if (clientMaxWindowBits) params.push(["client_max_window_bits", valueOf(clientMaxWindowBits)]);
  return formatExtension({ name: NAME, params });
}

function valueOf(windowBits: number | true): string | true {
  return windowBits === true || String(windowBits);
}

/** What the server has agreed to, by its response; null: it is not what was offered. */
export function readDeflate(header: string, options: PerMessageDeflateOptions): DeflateParameters | "other" | null {
  const answered = parseExtensions(header);
  if (answered === null) return null;
  // As of `ws`, what proxies have doubled counts once.
  const [answer] = answered;
  if (answer === undefined || answered.some(({ name }) => name !== NAME)) return "other";
  const params = new Map(answer.params);
  if (params.size < answer.params.length) return null;
  const known = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
  ];
  if ([...params.keys()].some((name) => !known.includes(name))) return null;
  for (const name of known.slice(0, 2)) if ((params.get(name) ?? true) !== true) return null;
  const serverMaxWindowBits = readBits(params.get("server_max_window_bits"));
  const clientMaxWindowBits = readBits(params.get("client_max_window_bits"));
  if (serverMaxWindowBits === null || clientMaxWindowBits === null) return null;
  if (options.clientNoContextTakeover === false && params.has("client_no_context_takeover")) return null;
  if (clientMaxWindowBits > windowBits(options.clientMaxWindowBits) && params.has("client_max_window_bits"))
    return null;
  // 7.1.2.2: only where it was offered.
  if (options.clientMaxWindowBits === false && params.has("client_max_window_bits")) return null;
  return Object.freeze({
    serverNoContextTakeover: params.has("server_no_context_takeover"),
    // 7.1.1.2: who offers it may do without anyway.
    clientNoContextTakeover: params.has("client_no_context_takeover") || options.clientNoContextTakeover === true,
    serverMaxWindowBits,
    clientMaxWindowBits: Math.min(clientMaxWindowBits, windowBits(options.clientMaxWindowBits)),
  });
}

/** The two directions exchanged: a client's session is to itself what a server's is. */
export function mirrored(parameters: DeflateParameters): DeflateParameters {
  return Object.freeze({
    serverNoContextTakeover: parameters.clientNoContextTakeover,
    clientNoContextTakeover: parameters.serverNoContextTakeover,
    serverMaxWindowBits: parameters.clientMaxWindowBits,
    clientMaxWindowBits: parameters.serverMaxWindowBits,
  });
}

/** @returns null: it is none */
function readBits(value: string | true | undefined): number | null {
  if (value === undefined) return WHOLE_WINDOW;
  return value !== true && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : null;
}
