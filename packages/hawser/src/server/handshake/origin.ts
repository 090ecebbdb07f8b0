import { readUri } from "./uri.js";

/** What decides about origins. */
export interface OriginPolicy {
  readonly allowedOrigins: readonly string[];
  readonly dangerouslyAllowAnyOrigin: string | undefined;
}

/**
 * Which origins may connect (RFC 6455 10.2). A browser sends Origin with the cookies of the visitor, whatever page the script is on; so
 * only pages of the server's own origin and of the ones that are listed are taken. A client that sends none is no browser, and could
 * write whatever it likes there.
 */
export class Origins {
  readonly #listed: ReadonlySet<string | null>;
  readonly #takesAny: boolean;

  constructor({ allowedOrigins, dangerouslyAllowAnyOrigin }: OriginPolicy) {
    this.#listed = new Set(allowedOrigins.map(normalOrigin));
    this.#takesAny = dangerouslyAllowAnyOrigin !== undefined;
  }

  /**
   * @param host what the request was sent to, which a page of our own origin has as its own
   * @returns why it is taken; null: it is not
   */
  judge(origin: string, host: string | undefined): "any" | "listed" | "own" | null {
    if (this.#takesAny) return "any";
    const normal = normalOrigin(origin);
    if (normal === null) return null;
    if (this.#listed.has(normal)) return "listed";
    return isSameHost(normal, host) ? "own" : null;
  }
}

/** Whether an origin can be listed: a browser may send it. */
export function isOrigin(value: string): boolean {
  return normalOrigin(value) !== null && originAdvice(value) === undefined;
}

/** What to write in place of an entry that no browser's Origin will ever equal; undefined where that is anybody's guess. */
export function originAdvice(value: string): string | undefined {
  if (value.includes("*"))
    return "each origin by itself, without wildcards; for all of them see dangerouslyAllowAnyOrigin";
  if (/^[\w.-]+(:\d+)?$/.test(value) && value !== "null") return `an origin with its scheme: https://${value}`;
  const uri = /[\s\\]/.test(value) ? null : readUri(value);
  if (uri === null || uri.authority + uri.rest === "") return undefined;
  const { scheme, authority, rest } = uri;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const page = scheme.replace(/^ws(?=s?$)/i, "http");
  const mayBeEmpty = !/^https?$/i.test(page);
  if ((host === "" && !mayBeEmpty) || (page === scheme && host === authority && rest === "")) return undefined;
  const wrong =
    page !== scheme
      ? "of the page, not of the server"
      : host !== authority
        ? "without user"
        : "without a path, not even a slash";
  return `an origin ${wrong}: ${page}://${host}`;
}

/** Behind a proxy that ends TLS our own scheme is not known: host and port decide, for pages that a web server served. */
function isSameHost(origin: string, host: string | undefined): boolean {
  const scheme = /^https?:\/\//.exec(origin)?.[0];
  return scheme !== undefined && host !== undefined && normalOrigin(`${scheme}${host}`) === origin;
}

/**
 * Scheme, host in lower case, and the port unless it is the scheme's own (RFC 6454 6.2); null: not an origin. Schemes of applications
 * (`chrome-extension:`, `capacitor:`, `app:`) have no rules of their own to go by, and `file:` has no host.
 */
function normalOrigin(text: string): string | null {
  // A page without an origin of its own sends this word: RFC 6454 7.
  if (text === "null") return text;
  const uri = readUri(text);
  if (uri === null || uri.rest !== "" || /[@\\\s]/.test(uri.authority) || !URL.canParse(text)) return null;
  if (!/^(?:https?|wss?)$/i.test(uri.scheme)) return text.toLowerCase();
  const url = new URL(text);
  return `${url.protocol}//${url.host}`;
}
