/** The beginning of a URI that has an authority. */
export interface Uri {
  readonly scheme: string;
  readonly authority: string;
  /** Path, query and fragment. */
  readonly rest: string;
}

/** RFC 3986 3.1 and 3.2: the authority goes up to the first slash, question mark or number sign. */
const URI = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<authority>[^/?#]*)(?<rest>.*)$/is;

/** Null: it has no scheme, or no authority. */
export function readUri(text: string): Uri | null {
  return (URI.exec(text)?.groups as Uri | undefined) ?? null;
}
