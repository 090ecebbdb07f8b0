/** What a peer made of a stream, in terms that both have. */

export type Item =
  | { what: "message"; isBinary: boolean; bytes: Buffer }
  | { what: "ping" | "pong"; bytes: Buffer }
  /** The client's close frame; the code of its body, 1005 without. */
  | { what: "closed"; code: number; reason: string }
  /** The peer fails the connection with this code; `name` is its own word for why. */
  | { what: "failed"; code: number; name: string }
  /** The stream is over and the peer waits for more. */
  | { what: "open" };

/** In order; the last item is one of "closed", "failed" and "open". */
export type Outcome = readonly Item[];

export interface Difference {
  ours: Item;
  theirs: Item;
  /** How many items before were equal. */
  at: number;
}

/** Where the outcomes part, if they do. What comes after the first difference means nothing any more. */
export function firstDifference(ours: Outcome, theirs: Outcome): Difference | null {
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const [one, other] = [ours[at], theirs[at]];
    if (one === undefined || other === undefined) throw new Error("an outcome without an end");
    if (!same(one, other)) return { ours: one, theirs: other, at };
  }
  return null;
}

function same(one: Item, other: Item): boolean {
  switch (one.what) {
    case "message":
      return other.what === "message" && one.isBinary === other.isBinary && one.bytes.equals(other.bytes);
    case "ping":
    case "pong":
      return other.what === one.what && one.bytes.equals(other.bytes);
    case "closed":
      return other.what === "closed" && one.code === other.code && one.reason === other.reason;
    case "failed":
      return other.what === "failed" && one.code === other.code;
    case "open":
      return other.what === "open";
  }
}

export function describeItem(item: Item): string {
  if (!("bytes" in item)) return JSON.stringify(item);
  const kind = item.what === "message" ? (item.isBinary ? "binary" : "text") : item.what;
  return `${kind} of ${item.bytes.length} bytes, ${item.bytes.toString("hex", 0, 32)}${item.bytes.length > 32 ? "…" : ""}`;
}
