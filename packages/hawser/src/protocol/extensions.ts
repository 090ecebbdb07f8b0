/** The grammar of Sec-WebSocket-Extensions, RFC 6455 9.1. What an extension means is not known here. */

import { isToken } from "./tokens.js";

/** One extension of the list: `permessage-deflate; client_max_window_bits; server_max_window_bits=10`. */
export interface Extension {
  name: string;
  /** In the order sent, repeated names and all; `true` where the parameter has no value. */
  params: Array<[name: string, value: string | true]>;
}

/**
 * Reads the value of Sec-WebSocket-Extensions, several header lines joined by commas. Takes time in proportion to its length.
 *
 * @returns Null when it is malformed. RFC 6455 9.1: "If a value is received by either the client or the server during
 *   negotiation that does not conform to the ABNF below, the recipient of such malformed data MUST immediately _Fail the
 *   WebSocket Connection_."
 */
export function parseExtensions(header: string): Extension[] | null {
  const scanner = new Scanner(header);
  const extensions: Extension[] = [];
  do {
    const name = scanner.token();
    // RFC 7230 7: an empty element counts for nothing. Anything else without a name ends the loop, before the end.
    if (name === null) continue;
    const params = parseParams(scanner);
    if (params === null) return null;
    extensions.push({ name, params });
  } while (scanner.take(","));
  return scanner.atEnd() && extensions.length > 0 ? extensions : null;
}

/** Writes an extension as {@link parseExtensions} reads it. Every name and value has to be a token. */
export function formatExtension(extension: Extension): string {
  const params = extension.params.map(([name, value]) => (value === true ? `; ${name}` : `; ${name}=${value}`));
  return extension.name + params.join("");
}

function parseParams(scanner: Scanner): Extension["params"] | null {
  const params: Extension["params"] = [];
  while (scanner.take(";")) {
    const name = scanner.token();
    if (name === null) return null;
    if (scanner.take("=")) {
      const value = scanner.take('"') ? scanner.quotedToken() : scanner.token();
      if (value === null) return null;
      params.push([name, value]);
    } else {
      params.push([name, true]);
    }
  }
  return params;
}

/**
 * Walks a header once, from left to right. RFC 6455 takes its grammar from RFC 2616, whose 2.1 allows white space between
 * any two tokens and delimiters.
 */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#skipWhitespace();
    return this.#at === this.#text.length;
  }

  /** Steps over `delimiter` if it comes next. */
  take(delimiter: string): boolean {
    this.#skipWhitespace();
    if (this.#text[this.#at] !== delimiter) return false;
    this.#at += 1;
    return true;
  }

  token(): string | null {
    this.#skipWhitespace();
    const start = this.#at;
    while (isTokenCharacter(this.#text[this.#at])) this.#at += 1;
    return this.#at > start ? this.#text.slice(start, this.#at) : null;
  }

  /** What follows an opening quote, up to the closing one, without its backslashes. */
  quotedToken(): string | null {
    let value = "";
    for (;;) {
      let character = this.#text[this.#at++];
      if (character === '"') return value === "" ? null : value;
      if (character === "\\") character = this.#text[this.#at++];
      // RFC 6455 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF."
      if (!isTokenCharacter(character)) return null;
      value += character;
    }
  }

  #skipWhitespace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at += 1;
  }
}

function isTokenCharacter(character: string | undefined): boolean {
  return character !== undefined && isToken(character);
}
