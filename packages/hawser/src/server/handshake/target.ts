import { readUri } from "./uri.js";

/** What a request asks for. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/** Path and query of a request's target, which may also be in absolute form (RFC 9112 3.2). */
export function readTarget(target: string): Target {
  const uri = target.startsWith("/") ? null : readUri(target);
  const origin = uri === null ? 0 : target.length - uri.rest.length;
  const hash = target.indexOf("#", origin);
  const end = hash < 0 ? target.length : hash;
  const mark = target.indexOf("?", origin);
  if (mark < 0 || mark > end) return { path: target.slice(origin, end) || "/", query: "" };
  return { path: target.slice(origin, mark) || "/", query: target.slice(mark + 1, end) };
}

/** The targets of requests. Most clients of a server ask for the same one: it is read once, and they share its strings. */
export class Targets {
  #lastUrl = "/";
  #last = readTarget("/");

  of({ url = "/" }: { readonly url?: string | undefined }): Target {
    if (url !== this.#lastUrl) {
      this.#last = readTarget(url);
      this.#lastUrl = url;
    }
    return this.#last;
  }
}
