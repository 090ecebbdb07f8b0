/** RFC 9110 15.2: a client takes interim answers (100, 103) before the final one, asked for or not. 101 is final: it switches. */

/** A server that has more of them to say never comes to its answer. */
const MOST_INTERIM = 16;
/** For all that comes before the empty line of the final answer; that has a few hundred bytes. */
export const MAX_HEAD_BYTES: number = 64 * 1024;

/** What follows the interim answers that have come whole; undefined: there are too many. */
export function skipInterim(bytes: Buffer): Buffer | undefined {
  let rest = bytes;
  for (let skipped = 0; /^HTTP\/1\.[01] 1(?!01)\d\d[ \r]/.test(rest.toString("latin1", 0, 13)); skipped++) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return rest;
    if (skipped === MOST_INTERIM) return undefined;
    rest = rest.subarray(end + 4);
  }
  return rest;
}
