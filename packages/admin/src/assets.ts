/** The dashboard's files, as they are served: everything from here, nothing from elsewhere. */
import { dashboard } from "./generated/dashboard.js";

export interface Asset {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | number>>;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Scripts and styles are files of ours; nothing that stands in the page itself is run, wherever it came from. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What goes with every response of the listener. */
export const protectiveHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "X-Frame-Options": "DENY",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** All of them, by path. */
export function readAssets(): ReadonlyMap<string, Asset> {
  return new Map(
    Object.entries(dashboard).map(([file, text]) => [
      file === "index.html" ? "/" : `/${file}`,
      assetOf(Buffer.from(text), TYPES[file.slice(file.lastIndexOf(".") + 1)]!),
    ]),
  );
}

function assetOf(body: Buffer, type: string): Asset {
  return {
    body,
    headers: {
      ...protectiveHeaders,
      "Content-Type": type,
      "Content-Length": body.length,
      // The next version of the server brings the next version of the page.
      "Cache-Control": "no-cache",
    },
  };
}
