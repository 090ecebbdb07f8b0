/** The config file: YAML (and so JSON), a mapping of option names to values. */
import { dirname, resolve } from "node:path";
import { didYouMean } from "hawser/tools";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { ConfigError, printable, type Source } from "./config-error.js";
import { type Setting, settings } from "./settings.js";

export interface FileEntry {
  readonly setting: Setting;
  readonly value: unknown;
  readonly source: Source;
}

/** `file` is for messages and for the files that the text names. @throws ConfigError that names the file and the line */
export function parseConfigFile(file: string, text: string): FileEntry[] {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true });
  const lineOf = (offset: number | undefined): number => Math.max(counter.linePos(offset ?? 0).line, 1);
  const fault = (offset: number | undefined, what: string): ConfigError =>
    new ConfigError(`config file ${printable(file)}, line ${lineOf(offset)}: ${printable(what)}`);

  // A warning is a tag that nobody knows: the value would not be what it seems.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const isSeveral = problem.code === "MULTIPLE_DOCS";
    throw fault(problem.pos[0], isSeveral ? "takes one document, and here begins another" : problem.message);
  }

  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return []; // nothing in it but comments
  if (!isMap(root)) throw fault(root.range?.[0], "takes a mapping of options to values, such as port: 8080");

  const lines = new Map<Setting, number>();
  for (const { key } of root.items) {
    if (!isScalar(key)) throw fault(root.range?.[0], "takes the names of options as keys");
    const name = String(key.value);
    const setting = settings.get(name);
    if (setting === undefined) {
      throw fault(key.range?.[0], `there is no option ${JSON.stringify(name)}${didYouMean(name, settings.keys())}`);
    }
    lines.set(setting, lineOf(key.range?.[0]));
  }
  const values = toValues(document, (what) => fault(root.range?.[0], what));
  return [...lines].map(([setting, line]) => ({
    setting,
    value: besideFile(setting, values[setting.name], file),
    source: { from: "file", file, line },
  }));
}

/** A file that a config file names is found from there, wherever the server was started. */
function besideFile(setting: Setting, value: unknown, file: string): unknown {
  return setting.rule.isFile && typeof value === "string" && value !== "" ? resolve(dirname(file), value) : value;
}

function toValues(
  document: ReturnType<typeof parseDocument>,
  fault: (what: string) => ConfigError,
): Record<string, unknown> {
  try {
    return document.toJS() as Record<string, unknown>;
  } catch (error) {
    // An alias without its anchor, or so many of them that it is an attack.
    throw fault((error as Error).message);
  }
}
