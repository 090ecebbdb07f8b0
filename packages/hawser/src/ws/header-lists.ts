/** The headers of a handshake as `ws` reads and writes them: `extension` and `subprotocol`. The engine reads them by code of its own. */
import { isToken } from "../protocol/tokens.js";

/** A parameter without a value is `true`. */
type ParameterValue = string | number | true;

/** By name, the parameters of each time that it was offered; of these the values, in order. */
type Offers = Record<string, Record<string, (string | true)[]>[]>;

type Parameters = Record<string, ParameterValue | readonly ParameterValue[]>;

export const extension = {
  /** Reads the value of Sec-WebSocket-Extensions (RFC 6455 9.1). Neither object has a prototype. @throws SyntaxError */
  parse(header: string): Offers {
    const offers = Object.create(null) as Offers;
    const scanner = new Scanner(header);
    do {
      const name = scanner.token();
      const parameters = Object.create(null) as Offers[string][number];
      while (scanner.take(";")) (parameters[scanner.token()] ??= []).push(scanner.value());
      (offers[name] ??= []).push(parameters);
    } while (scanner.take(","));
    scanner.end();
    return offers;
  },

  /** Writes what `parse` reads; what there is one of may be without its list. */
  format(extensions: Record<string, Parameters | readonly Parameters[]>): string {
    return Object.entries(extensions)
      .flatMap(([name, offers]) => listOf(offers).map((parameters) => formatOffer(name, parameters)))
      .join(", ");
  },
};

export const subprotocol = {
  /** Reads the value of Sec-WebSocket-Protocol: names in the order of preference. @throws SyntaxError, for a name that is there twice as well */
  parse(header: string): Set<string> {
    const names = new Set<string>();
    const scanner = new Scanner(header);
    do {
      const name = scanner.token();
      if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`);
      names.add(name);
    } while (scanner.take(","));
    scanner.end();
    return names;
  },
};

function formatOffer(name: string, parameters: Parameters): string {
  const parts = Object.entries(parameters).flatMap(([key, values]) =>
    listOf(values).map((value) => (value === true ? key : `${key}=${value}`)),
  );
  return [name, ...parts].join("; ");
}

function listOf<Item>(items: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(items) ? (items as readonly Item[]) : [items as Item];
}

/** Walks a header once. White space is taken around delimiters, but neither at an end of the header nor around `=`. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  token(): string {
    if (this.#at > 0) this.#skipWhitespace();
    return this.#tokenHere();
  }

  /** What follows the name of a parameter: true if it has no value. */
  value(): string | true {
    if (!this.#takeHere("=")) return true;
    return this.#takeHere('"') ? this.#quotedToken() : this.#tokenHere();
  }

  /** Steps over `delimiter` if it comes next. */
  take(delimiter: string): boolean {
    this.#skipWhitespace();
    return this.#takeHere(delimiter);
  }

  end(): void {
    if (this.#at < this.#text.length || /[ \t]$/.test(this.#text)) this.#fail();
  }

  #takeHere(delimiter: string): boolean {
    if (this.#text[this.#at] !== delimiter) return false;
    this.#at++;
    return true;
  }

  #tokenHere(): string {
    const start = this.#at;
    while (this.#isAtToken) this.#at++;
    return this.#at > start ? this.#text.slice(start, this.#at) : this.#fail();
  }

  /** RFC 6455 9.1: "the value after quoted-string unescaping MUST conform to the 'token' ABNF." */
  #quotedToken(): string {
    let value = "";
    while (value === "" || !this.#takeHere('"')) {
      this.#takeHere("\\");
      if (!this.#isAtToken) this.#fail();
      value += this.#text[this.#at++];
    }
    return value;
  }

  get #isAtToken(): boolean {
    return this.#at < this.#text.length && isToken(this.#text[this.#at]!);
  }

  #skipWhitespace(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  #fail(): never {
    const isAtEnd = this.#at === this.#text.length;
    throw new SyntaxError(isAtEnd ? "Unexpected end of input" : `Unexpected character at index ${this.#at}`);
  }
}
