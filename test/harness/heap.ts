/** What outlives the young generation of V8's heap: a server that lets garbage get there stands still for more and longer collections. */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as (options?: { type: "minor" }) => void;

/**
 * Runs it `rounds` times, with a collection of the young generation after each.
 * @returns by how many bytes the old generation has grown since the first of them
 */
export async function keptBy(rounds: number, run: () => Promise<void> | void): Promise<number> {
  await run();
  gc();
  const before = oldBytes();
  for (let round = 0; round < rounds; round++) {
    await run();
    gc({ type: "minor" });
  }
  return oldBytes() - before;
}

/** Of objects and, where V8 keeps those apart, of their hidden classes. */
function oldBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => name === "old_space" || name === "map_space")
    .reduce((sum, { space_used_size: size }) => sum + size, 0);
}
