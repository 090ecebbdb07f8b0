/** Runs `each` over the items, at most `limit` at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  each: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = [...items].entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) await each(item, index);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/**
 * For what has to come: no claim about time, but the end of a wait for what never does, which is then named. Less than what
 * scripts/test-limits.mjs gives a test, and as long as a busy machine may take.
 */
export const PATIENCE_MS = 150_000;

/** Waits until `condition` holds, asking it every few milliseconds. */
export async function until(condition: () => boolean, what: string, timeoutMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(5);
  }
}
