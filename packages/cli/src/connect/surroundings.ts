/** What a session has around it. */
import { historyFile, History } from "./history.js";
import { colourless, inColour, type Paint } from "./paint.js";

export interface Surroundings {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly errors: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Whether there is somebody who types and reads; else it is a part of a pipe. */
export function isInteractive({ input, output }: Surroundings): boolean {
  return input.isTTY && output.isTTY;
}

/** https://no-color.org */
export function paintFor({ output, environment }: Surroundings): Paint {
  return output.isTTY && (environment["NO_COLOR"] ?? "") === "" ? inColour : colourless;
}

export function historyOf({ environment }: Surroundings): History {
  return new History(historyFile(environment));
}
