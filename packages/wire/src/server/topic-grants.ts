import { patternExpression, patternFault } from "./patterns.js";

/**
 * Whether one of the patterns that somebody was given covers a topic: its very name, a pattern as in a contract, or `room:*` for all that
 * begins with `room:`. A pattern that is none covers nothing.
 */
export function coversTopic(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => covers(pattern, name));
}

function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (pattern.endsWith("*")) return !pattern.includes("{") && name.startsWith(pattern.slice(0, -1));
  return pattern.includes("{") && patternFault(pattern) === undefined && patternExpression(pattern).test(name);
}
