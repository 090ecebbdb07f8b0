/** The page to try the server in a browser: one file without anything from elsewhere, on every path that is asked for it. */
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { page as html } from "../generated/page.js";

export interface PageOptions {
  readonly echo: boolean;
  /** The only path that takes WebSockets, if there is such. */
  readonly path: string | undefined;
}

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#0f8b7e" stroke-width="2.4" stroke-linecap="round"><path d="M5 20V8a3 3 0 0 1 6 0v8a3 3 0 0 0 6 0V9M3 20h6M15 4h4v5h-4z"/></svg>`;

/** Answers plain HTTP requests: GET and HEAD of any path with the page. */
export function pageHandler(options: PageOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const page = renderPage(html, options);
  const pageHeaders = headersFor(page, "text/html; charset=utf-8", policyFor(page));
  const iconHeaders = headersFor(ICON, "image/svg+xml", "default-src 'none'");

  return (request, response) => {
    // A body is of no use here, and unread it would keep the connection from its next request.
    request.resume();
    if (request.method !== "GET" && request.method !== "HEAD") {
      const text = "405 Method Not Allowed: GET and HEAD are\n";
      response
        .writeHead(405, { Allow: "GET, HEAD", ...headersFor(text, "text/plain; charset=utf-8", "default-src 'none'") })
        .end(text);
      return;
    }
    const isIcon = request.url?.split("?", 1)[0] === "/favicon.ico";
    // Node leaves the body out of the answer to HEAD.
    response.writeHead(200, isIcon ? iconHeaders : pageHeaders).end(isIcon ? ICON : page);
  };
}

/** Tells the page what it is to be, in two attributes. */
export function renderPage(html: string, { echo, path }: PageOptions): string {
  // A function as the replacement: a "$&" in the path must not be taken for a pattern.
  return html
    .replace('data-mode="rooms"', () => `data-mode="${echo ? "echo" : "rooms"}"`)
    .replace('data-path=""', () => `data-path="${escapeAttribute(path ?? "")}"`);
}

function escapeAttribute(text: string): string {
  return text.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The page's own style and script, known by their hashes, and connections to where it came from: nothing else is loaded or run. */
function policyFor(html: string): string {
  const policy = {
    "default-src": "'none'",
    "style-src": hashes(html, /<style>([\s\S]*?)<\/style>/g),
    "script-src": hashes(html, /<script type="module">([\s\S]*?)<\/script>/g),
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  return Object.entries(policy)
    .map((directive) => directive.join(" "))
    .join("; ");
}

function hashes(html: string, elements: RegExp): string {
  const contents = [...html.matchAll(elements)].map((match) => match[1] ?? "");
  return contents.map((content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`).join(" ");
}

function headersFor(body: string, type: string, policy: string): Record<string, string | number> {
  return {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    // The next version of the server brings the next version of the page.
    "Cache-Control": "no-cache",
  };
}
