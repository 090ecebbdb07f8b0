// As a whole: a banner for bundles that declares `createRequire` itself is common.
import * as nodeModule from "node:module";
import type { pino } from "pino";
import { UsageError } from "../base/usage-error.js";

/**
 * Loaded where no `logger` was given, and not by `import`: pino is CommonJS, and what bundlers make of that in a bundle of ES modules fails
 * where it is loaded. There, and in a program that brings no pino, one that gives a logger of its own runs all the same.
 */
export function loadPino(): typeof pino {
  try {
    // What bundlers see, and put into bundles of CommonJS. In an ES module of Node there is no `require`.
    return (require("pino") as { pino: typeof pino }).pino;
  } catch {
    // Then it is looked for as Node does.
  }
  try {
    return (nodeModule.createRequire(import.meta.url)("pino") as { pino: typeof pino }).pino;
  } catch (cause) {
    throw new UsageError(
      "logger: pino, the default, cannot be loaded from here, which happens to a program that was bundled; pass a logger " +
        "(`logger: pino()` of your own, or `logger: console`), or install pino beside the bundle",
      { cause },
    );
  }
}
