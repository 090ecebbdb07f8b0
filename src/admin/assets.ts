/** The dashboard's files, as they are served: everything from here, nothing from elsewhere. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export interface Asset {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | number>>;
}

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const ours: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", HTML],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
  "/style.css": ["style.css", CSS],
  ...Object.fromEntries(
    ["main", "connection", "charts", "clients", "rooms", "roving", "log", "dialogs", "theme", "format", "dom"].map(
      (name) => [`/${name}.js`, [`${name}.js`, SCRIPT] as const],
    ),
  ),
};

const theirs: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/uplot.js": ["uplot/dist/uPlot.iife.min.js", SCRIPT],
  "/uplot.css": ["uplot/dist/uPlot.min.css", CSS],
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

/** Reads them all, by path. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const { resolve } = createRequire(import.meta.url);
  const files = [
    ...Object.entries(ours).map(
      ([path, [file, type]]) => [path, new URL(`./dashboard/${file}`, import.meta.url), type] as const,
    ),
    ...Object.entries(theirs).map(([path, [file, type]]) => [path, resolve(file), type] as const),
  ];
  return new Map(files.map(([path, file, type]) => [path, assetOf(readFileSync(file), type)]));
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
