import { foreignOptions } from "./foreign.js";

/** " (did you mean X?)" for a name that is not known, or "" where none is like it. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const wanted = [bare(name), ours.get(bare(name)) ?? ""];
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = Math.min(...wanted.map((one) => likeness(one, bare(candidate))));
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { candidate, distance };
  }
  return best === undefined ? "" : ` (did you mean ${best.candidate}?)`;
}

/** The option that does what another library has under this name. */
const ours = new Map(Object.entries(foreignOptions).map(([name, option]) => [bare(name), bare(option)]));

/** A name without what differs between the ways to write it: as an option, a flag, an environment variable. */
function bare(name: string): string {
  return name
    .replace(/^hawser_/i, "")
    .replace(/[-_.]/g, "")
    .toLowerCase();
}

/** 0: the same; infinite: nothing alike. Half of a name or more, its beginning or its end, counts as near: `pongWait` of `pongWaitMs`. */
function likeness(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const isPart = long.startsWith(short) || long.endsWith(short);
  if (isPart && short.length >= 3 && short.length * 2 >= long.length) return Math.min(1, long.length - short.length);
  const distance = editDistance(a, b);
  return distance <= Math.max(1, Math.floor(a.length / 4)) ? distance : Number.POSITIVE_INFINITY;
}

/** How many letters have to be added, left out, replaced or swapped with the next one (Damerau and Levenshtein), a row at a time. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
