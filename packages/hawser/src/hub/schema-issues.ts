import { limits, type SchemaIssue } from "@hawser/wire";

/** What a schema found, for a person: the first issues, and where. */
export function sentenceOf(issues: readonly SchemaIssue[]): string {
  const told = issues.slice(0, 3).map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return at === "" ? message : `${at}: ${message}`;
  });
  return told.join("; ").slice(0, limits.sentenceBytes / 4);
}
