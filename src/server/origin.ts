/** What decides about origins. */
export interface OriginPolicy {
  readonly allowedOrigins: readonly string[];
  readonly dangerouslyAllowAnyOrigin: string | undefined;
}

/**
 * Whether a handshake with this Origin is taken (RFC 6455 10.2). A browser sends it with the cookies of the visitor, whatever page the
 * script is on; so only pages of the server's own origin and of the ones that are listed may connect. Who sends none is no browser,
 * and could write whatever it likes there.
 */
export function isOriginAllowed(origin: string | undefined, host: string | undefined, policy: OriginPolicy): boolean {
  if (origin === undefined || policy.dangerouslyAllowAnyOrigin !== undefined) return true;
  const normal = normalOrigin(origin);
  if (normal === null) return false;
  if (policy.allowedOrigins.some((allowed) => normalOrigin(allowed) === normal)) return true;
  return normal !== "null" && isSameHost(normal, host);
}

/** Behind a proxy that ends TLS our own scheme is not known: host and port decide, for pages that a web server served. */
function isSameHost(origin: string, host: string | undefined): boolean {
  const { protocol } = new URL(origin);
  if (protocol !== "https:" && protocol !== "http:") return false;
  return host !== undefined && normalOrigin(`${protocol}//${host}`) === origin;
}

/** Scheme, host in lower case, and the port unless it is the scheme's own (RFC 6454 6.2); null: not an origin. */
function normalOrigin(text: string): string | null {
  if (text === "null") return text;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@\\\s]+$/i.test(text) || !URL.canParse(text)) return null;
  const { protocol, host } = new URL(text);
  return host === "" ? null : `${protocol}//${host}`;
}
