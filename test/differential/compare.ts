/** One stream through both peers. */
import { EXPLAINED, type Explanation } from "./explained.js";
import { frameLength } from "./final-blocks.js";
import { type Difference, describeItem, firstDifference } from "./outcome.js";
import { ours, type Peer, theirs } from "./peers.js";
import type { Stream } from "./stream.js";

export type Verdict =
  | { kind: "same" }
  | { kind: "explained"; by: Explanation }
  | { kind: "different"; difference: Difference; between: string };

export async function compare(stream: Stream, our: Peer = ours): Promise<Verdict> {
  const outcome = await our(stream);
  const whole = firstDifference(outcome, await our({ ...stream, cuts: [] }));
  if (whole !== null) return { kind: "different", difference: whole, between: "our core cut and uncut" };
  const difference = firstDifference(outcome, await theirs(stream));
  if (difference === null) return { kind: "same" };
  const by = EXPLAINED.find((explanation) => explanation.explains(difference, stream));
  return by === undefined ? { kind: "different", difference, between: "our core and ws" } : { kind: "explained", by };
}

/** The smallest stream found whose verdict still is as wanted: frames and pieces are left out as long as that holds. */
export async function shrink(stream: Stream, wanted: (verdict: Verdict) => boolean, our: Peer = ours): Promise<Stream> {
  let smallest = stream;
  const without = async (from: number, to: number): Promise<boolean> => {
    const bytes = Buffer.concat([smallest.bytes.subarray(0, from), smallest.bytes.subarray(to)]);
    const candidate = { ...smallest, bytes, cuts: smallest.cuts.filter((cut) => cut < bytes.length) };
    if (!wanted(await compare(candidate, our))) return false;
    smallest = candidate;
    return true;
  };
  const uncut = { ...stream, cuts: [] };
  if (wanted(await compare(uncut, our))) smallest = uncut;
  for (let at = 0; at < smallest.bytes.length;) {
    const next = at + frameLength(smallest.bytes.subarray(at));
    if (!(await without(at, next))) at = next;
  }
  for (let size = Math.ceil(smallest.bytes.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.bytes.length;) if (!(await without(at, at + size))) at += size;
  }
  return smallest;
}

/** All that is needed to see a difference again. */
export async function report(stream: Stream, our: Peer = ours): Promise<string> {
  const small = await shrink(stream, ({ kind }) => kind === "different", our);
  const verdict = await compare(small, our);
  if (verdict.kind !== "different") return "the difference went away";
  const { difference, between } = verdict;
  return [
    `${between} differ after ${difference.at} equal events:`,
    `  one:   ${describeItem(difference.ours)}`,
    `  other: ${describeItem(difference.theirs)}`,
    `  compression: ${JSON.stringify(small.compression)}, cuts: ${JSON.stringify(small.cuts)}`,
    `  hex: ${small.bytes.toString("hex")}`,
  ].join("\n");
}
