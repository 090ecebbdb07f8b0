/** How this broker's streams and subjects are called. */

const PLAIN = /^[A-Za-z0-9_:/@+,~-]+$/;

/**
 * A name as one token of a subject: a few characters stay, so that people can read it, and each other byte of its UTF-8 becomes `=` and two hex
 * digits. Two names never have the same token; it has at most three times the bytes of the name.
 */
export function tokenOf(name: string): string {
  if (PLAIN.test(name)) return name;
  let token = "";
  for (const byte of Buffer.from(name)) {
    const char = String.fromCharCode(byte);
    token += byte < 0x80 && PLAIN.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return token;
}

/** The name of a token, undefined for what is none. */
export function nameOf(token: string): string | undefined {
  if (PLAIN.test(token)) return token;
  const bytes: number[] = [];
  for (let i = 0; i < token.length; i++) {
    const hex = token[i] === "=" ? token.slice(i + 1, (i += 2) + 1) : undefined;
    if (hex !== undefined && !/^[0-9A-F]{2}$/.test(hex)) return undefined;
    bytes.push(hex === undefined ? token.charCodeAt(i) : parseInt(hex, 16));
  }
  const name = Buffer.from(bytes).toString();
  return tokenOf(name) === token ? name : undefined;
}

/** A token that no name has. */
const PROBE = "=probe";

/** The names that begin with a prefix: those of two prefixes never meet. */
export class Names {
  readonly prefix: string;
  /** Messages of topics with history. */
  readonly topics: string;
  /** Messages of topics without history that were published with a key. */
  readonly keys: string;
  /** What epoch it is. */
  readonly epochs: string;
  /** Members, and the leases of their nodes. */
  readonly members: string;

  constructor(prefix: string) {
    this.prefix = prefix;
    this.topics = `${prefix}-topics`;
    this.keys = `${prefix}-keys`;
    this.epochs = `${prefix}-epochs`;
    this.members = `${prefix}-members`;
  }

  /** Where a message of a topic with history is published, and stored. */
  stored(topic: string): string {
    return `${this.prefix}.s.${tokenOf(topic)}`;
  }

  /** The same for one that is not kept, and has a key. */
  keyed(topic: string): string {
    return `${this.prefix}.k.${tokenOf(topic)}`;
  }

  /** Where all messages of a topic arrive. */
  live(topic: string): string {
    return `${this.prefix}.l.${tokenOf(topic)}`;
  }

  get epoch(): string {
    return `${this.prefix}.e.epoch`;
  }

  /** Where a new epoch is told. */
  get epochTold(): string {
    return `${this.prefix}.n.epoch`;
  }

  control(node?: string): string {
    return node === undefined ? `${this.prefix}.c.all` : `${this.prefix}.c.node.${tokenOf(node)}`;
  }

  get probe(): string {
    return `${this.prefix}.s.${PROBE}`;
  }

  /** The same without JetStream. */
  get probeHeard(): string {
    return `${this.prefix}.l.${PROBE}`;
  }

  member(topic: string, node: string, key: string): string {
    return `${this.prefix}.m.${tokenOf(node)}.${tokenOf(topic)}.${tokenOf(key)}`;
  }

  /** The members of a topic, on all nodes. */
  membersOf(topic: string): string {
    return `${this.prefix}.m.*.${tokenOf(topic)}.*`;
  }

  /** The members on a node, in all topics. */
  membersOn(node: string): string {
    return `${this.prefix}.m.${tokenOf(node)}.>`;
  }

  lease(node: string): string {
    return `${this.prefix}.m.${tokenOf(node)}`;
  }
}
