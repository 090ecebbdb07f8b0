/** What a person at the terminal is told when the server listens: where to look. */
import type { OwnValues } from "./configure.js";

/** Addresses of this machine that people know as localhost, and those that stand for all of its addresses. */
const LOCAL = new Set(["127.0.0.1", "[::1]", "0.0.0.0", "[::]"]);

/** `url` is the server's: `ws://127.0.0.1:8080/`. `path` is the only path that takes WebSockets, if there is such. */
export function welcome(url: string, own: OwnValues, path: string | undefined): string {
  const address = new URL(url);
  const host = LOCAL.has(address.hostname) ? `localhost${address.port && `:${address.port}`}` : address.host;
  const sockets = `${address.protocol}//${host}${path ?? "/"}`;
  const what = own.echo ? `Hawser sends back what you send to ${sockets}` : `Hawser serves rooms on ${sockets}`;
  if (!own.page) return what;
  const page = `${address.protocol === "wss:" ? "https:" : "http:"}//${host}${path ?? "/lobby"}`;
  return own.echo ? `${what} - open ${page} and try` : `${what} - open ${page} in two tabs`;
}
