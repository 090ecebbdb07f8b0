/** What the text of a module imports, in order and as it is written there; types and `import()` included. */
export function specifiersOf(source: string): string[] {
  return [...source.matchAll(STATEMENT)].map(
    ({ groups }) => groups?.["from"] ?? groups?.["effect"] ?? groups?.["dynamic"] ?? "",
  );
}

const NAMES = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*\{[^}]*\})?)`;
const STATEMENT = new RegExp(
  String.raw`^(?:import|export)\s+(?:type\s+)?${NAMES}\s+from\s+"(?<from>[^"]+)"` +
    String.raw`|^import\s+"(?<effect>[^"]+)"` +
    String.raw`|^(?!\s*(?:\*|//)).*\bimport\(\s*"(?<dynamic>[^"]+)"`,
  "gm",
);
