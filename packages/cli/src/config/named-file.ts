/** Reading a file that an option names. */
import { readFileSync } from "node:fs";
import { ConfigError, printable, type Source, sourceText } from "./config-error.js";

/** @throws ConfigError that names the option, the file, who named it and what is wrong with it. */
export function readNamedFile(option: string, file: string, source: Source): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new ConfigError(
      `${option}: cannot read ${printable(JSON.stringify(file))} from ${sourceText(source)}: ${faults[code] ?? "failed"} (${code})`,
    );
  }
}

const faults: Record<string, string> = {
  ENOENT: "no such file",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
};
