/** An issuer of tokens: keys of every kind, tokens as good or as wrong as asked for, and a server with its set of keys. */
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type JWK, SignJWT } from "jose";

export const ISSUER = "https://id.example";
export const AUDIENCE = "chat";
/** The time at which all tests begin, in seconds as tokens have it. */
export const START_S = 1_800_000_000;

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const rsa: KeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const p256: KeyPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const p384: KeyPair = generateKeyPairSync("ec", { namedCurve: "P-384" });
export const p521: KeyPair = generateKeyPairSync("ec", { namedCurve: "P-521" });
export const ed25519: KeyPair = generateKeyPairSync("ed25519");
export const secret: Buffer = randomBytes(64);

export const pem = ({ publicKey }: KeyPair): string => publicKey.export({ type: "spki", format: "pem" }) as string;

/** What a good token says, but for what is given. `undefined` leaves a claim out. */
export function claims(change: Record<string, unknown> = {}): Record<string, unknown> {
  const all = { sub: "u7", iss: ISSUER, aud: AUDIENCE, iat: START_S, exp: START_S + 600, ...change };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A token that is signed as it has to be. */
export function sign(
  alg: string,
  key: KeyObject | Uint8Array,
  change: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims(change)).setProtectedHeader({ alg, ...header }).sign(key);
}

/** A token of any header and any text, with an HMAC or whatever else is given as its signature. */
export function forge(header: unknown, payload: unknown, key?: string | Uint8Array, signature = ""): string {
  const part = (value: unknown): string =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${key === undefined ? signature : createHmac("sha256", key).update(signed).digest("base64url")}`;
}

export function jwk({ publicKey }: KeyPair, kid?: string, more: Record<string, unknown> = {}): JWK {
  return { ...(publicKey.export({ format: "jwk" }) as JWK), ...(kid === undefined ? {} : { kid }), ...more };
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server whose answer can be changed, and which counts what it was asked. */
export class KeyServer {
  answer: Answer;
  readonly asked: string[] = [];
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url ?? "");
    this.answer(request, response);
  });

  constructor(answer: Answer) {
    this.answer = answer;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys.json`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await once(this.#server, "close");
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export function withKeys(...keys: JWK[]): Answer {
  return (_request, response) => response.end(JSON.stringify({ keys }));
}

export function withStatus(status: number): Answer {
  return (_request, response) => response.writeHead(status).end("{}");
}
