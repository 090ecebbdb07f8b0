/** What a person at the terminal is told when the server listens: where to look. */
import type { OwnValues } from "../config/configure.js";

/** Addresses of this machine that people know as localhost, and those that stand for all of its addresses. */
const LOCAL = new Set(["127.0.0.1", "[::1]", "0.0.0.0", "[::]"]);

/** `url` is the server's: `ws://127.0.0.1:8080/`. `path` is the only path that takes WebSockets, if there is such. */
export function welcome(url: string, own: Pick<OwnValues, "echo" | "page">, path: string | undefined): string {
  const { protocol, host } = localUrl(url);
  // No browser comes to a Unix socket by itself.
  const page = own.page ? pageUrl(url, path) : null;
  const sockets = host === "" ? url : `${protocol}//${host}${path ?? "/"}`;
  const what = own.echo ? `Hawser sends back what you send to ${sockets}` : `Hawser serves rooms on ${sockets}`;
  if (page === null) return what;
  return own.echo ? `${what} - open ${page} and try` : `${what} - open ${page} in two tabs`;
}

/** The page to try the server in; null on a Unix socket. */
export function pageUrl(url: string, path: string | undefined): string | null {
  const { protocol, host } = localUrl(url);
  if (host === "") return null;
  return `${protocol === "wss:" ? "https:" : "http:"}//${host}${path ?? "/lobby"}`;
}

/** The URL with the host as people know it. */
export function localUrl(url: string): { protocol: string; host: string } {
  const { protocol, hostname, host, port } = new URL(url);
  return { protocol, host: LOCAL.has(hostname) ? `localhost${port && `:${port}`}` : host };
}
