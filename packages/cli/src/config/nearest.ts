import { foreignOptions } from "hawser";

/** " (did you mean X?)" for a name that is not known, or "" where none is like it. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const wanted = bare(ours.get(bare(name)) ?? name);
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = likeness(wanted, bare(candidate));
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { candidate, distance };
  }
  return best === undefined ? "" : ` (did you mean ${best.candidate}?)`;
}

/** The option that does what another library has under this name. */
const ours = new Map(Object.entries(foreignOptions).map(([name, option]) => [bare(name), option]));

/** A name without what differs between the three ways to write it. */
function bare(name: string): string {
  return name
    .replace(/^hawser_/i, "")
    .replace(/[-_.]/g, "")
    .toLowerCase();
}

/** 0: the same; infinite: nothing alike. One that is the other's beginning counts as near: `pongWait` of `pongWaitMs`. */
function likeness(a: string, b: string): number {
  if (Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a))) return 1;
  const distance = editDistance(a, b);
  return distance <= Math.max(1, Math.floor(a.length / 4)) ? distance : Number.POSITIVE_INFINITY;
}

/** Levenshtein's distance, a row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, at(row, j) + 1, at(next, j - 1) + 1));
    }
    row = next;
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0;
}
