/** Why no WebSocket could be opened, in one line. */
import { printable } from "hawser/tools";
import { TargetError } from "./target.js";

/** There is no WebSocket at the target, or none that can be reached. The message is one line, and names the target. */
export class OpenError extends TargetError {
  /** The same for the same fault, whatever the target: a code of Node's (`ECONNREFUSED`), `HTTP 404`, `timeout`, ... */
  readonly kind: string;
  /** The message without the target. */
  readonly reason: string;

  constructor(where: string, kind: string, text: string) {
    super(printable(`${where}: ${text}`));
    this.kind = kind;
    this.reason = printable(text);
  }
}

/** What the system or the TLS library says, in words. */
export function socketErrorText(error: NodeJS.ErrnoException): { kind: string; text: string } {
  const { code = "", message } = error;
  const reason = reasons[code];
  if (reason !== undefined) return { kind: code, text: `${reason} (${code})` };
  // OpenSSL's own words have its source files in them.
  if (code === "EPROTO" || code.startsWith("ERR_SSL_"))
    return { kind: code, text: `no TLS there that we understand (${code})` };
  return { kind: code === "" ? "error" : code, text: message };
}

const UNKNOWN_ISSUER = "its certificate is of an issuer that is not known here";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody is listening there",
  ECONNRESET: "the connection was reset before the handshake had finished",
  EPIPE: "the connection was closed before the handshake had finished",
  ETIMEDOUT: "no answer",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  EADDRNOTAVAIL: "this machine has no free port left for the connection",
  EMFILE: "this process has too many open files: see ulimit -n",
  ENFILE: "this machine has too many open files",
  EACCES: "no permission",
  ENOENT: "there is no such file",
  ENOTSOCK: "the file is no socket",
  EAGAIN: "more connections wait there than the server's backlog takes",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_ISSUER,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_ISSUER,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_ISSUER,
  CERT_HAS_EXPIRED: "its certificate has expired",
  CERT_NOT_YET_VALID: "its certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
  ERR_SSL_WRONG_VERSION_NUMBER: "no TLS there; does it speak ws:// and not wss://?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "no TLS there; does it speak ws:// and not wss://?",
};
