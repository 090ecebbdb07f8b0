/** The lines that were typed, kept from one time to the next. */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

const MOST_LINES = 1000;
/** The file is cut when it is read and has so many. */
const CUT_AT = 2 * MOST_LINES;
/** They may hold what nobody else should read. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** Undefined: there is no place for it. XDG Base Directory: a path that is not absolute is to be ignored. */
export function historyFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const state = environment["XDG_STATE_HOME"] ?? "";
  if (isAbsolute(state)) return join(state, "hawser", "connect-history");
  try {
    const home = homedir();
    return isAbsolute(home) ? join(home, ".local", "state", "hawser", "connect-history") : undefined;
  } catch {
    // No HOME, and no entry for the user either.
    return undefined;
  }
}

/** A history that cannot be read or written is none, and no reason to fail. */
export class History {
  readonly #file: string | undefined;
  /** Oldest first. */
  readonly lines: readonly string[];
  #last: string | undefined;

  constructor(file: string | undefined) {
    this.#file = file;
    this.lines = this.#read();
    this.#last = this.lines.at(-1);
  }

  /** A line that is the same as the one before is kept once. */
  add(line: string): void {
    if (this.#file === undefined || line.trim() === "" || line === this.#last) return;
    this.#last = line;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: PRIVATE_FOLDER });
      appendFileSync(this.#file, `${line}\n`, { mode: PRIVATE_FILE });
      chmodSync(this.#file, PRIVATE_FILE);
    } catch {
      // See above.
    }
  }

  #read(): string[] {
    if (this.#file === undefined) return [];
    try {
      const all = readFileSync(this.#file, "utf8")
        .split("\n")
        .filter((line) => line !== "");
      const lines = all.slice(-MOST_LINES);
      if (all.length > CUT_AT) writeFileSync(this.#file, `${lines.join("\n")}\n`, { mode: PRIVATE_FILE });
      return lines;
    } catch {
      return [];
    }
  }
}
