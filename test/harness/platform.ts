/** The reason to skip what Windows does not have, one that CI accepts; `false` elsewhere. */
export function notOnWindows(what: string): string | false {
  return process.platform === "win32" && `cannot be installed here: ${what}, on Windows`;
}
