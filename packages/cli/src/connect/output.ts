/** Waiting, for what is written or for a while. */

/** Resolves when what was written has left, or never will. */
export function written(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) return resolve();
    output.once("close", resolve);
    output.write("", () => resolve());
  });
}

/** Keeps no process alive. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
