import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What V8 writes (NODE_V8_COVERAGE): functions of a script and ranges in them, the smallest around a place has its count. */
interface Report {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Which parts of which files a test has run, in its own process and in those it started. */
export class Coverage {
  readonly #reports: readonly Report[];

  private constructor(reports: readonly Report[]) {
    this.#reports = reports;
  }

  /** Runs `work` with a folder for `NODE_V8_COVERAGE`. */
  static async of(work: (folder: string) => Promise<void>): Promise<Coverage> {
    const folder = mkdtempSync(join(tmpdir(), "hawser-coverage-"));
    try {
      await work(folder);
      const reports: Report[] = [];
      for (const name of readdirSync(folder)) {
        try {
          const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as Report;
          reports.push({ result: result.filter(({ url }) => url.includes("/dist/")) });
        } catch {
          // Of a process that was killed while it wrote.
        }
      }
      return new Coverage(reports);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Whether the code at `offset` of `file` has run. */
  covers(file: string, offset: number): boolean {
    const url = pathToFileURL(file).href;
    return this.#reports.some(({ result }) =>
      result.some((script) => script.url === url && hasRun(script.functions, offset)),
    );
  }
}

function hasRun(functions: Report["result"][number]["functions"], offset: number): boolean {
  let smallest = Infinity;
  let count = 0;
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count: times } of ranges) {
      const length = endOffset - startOffset;
      if (startOffset > offset || offset >= endOffset || length > smallest) continue;
      smallest = length;
      count = times;
    }
  }
  return count > 0;
}
