import { PARAM } from "../contract/pattern.js";
import { unfitForName } from "./field-kinds.js";

/** What parts of a name are separated by. A value holds neither as it is, so a name has as many parts as its pattern. */
const SEPARATOR = /([:/])/;

/** What is wrong with a pattern, as the end of "the topic … ". */
export function patternFault(pattern: string): string | undefined {
  const literal = pattern.replace(PARAM, "");
  const names = paramsOf(pattern);
  const odd = names.find((name) => !/^[a-z]\w*$/i.test(name));
  if (pattern === "") return "needs a name";
  if (/[{}]/.test(literal)) return "has a brace without its counterpart";
  if (literal.includes("%")) return "has a %, which stands for other characters in a name";
  if (unfitForName.test(literal)) return "has a control character or half a character in its name";
  if (odd !== undefined) return `has a parameter {${odd}}: its name is a letter, then letters, digits and _`;
  if (names.includes("name") || names.includes("topic"))
    return "has a parameter name or topic: both mean the topic itself";
  if (new Set(names).size < names.length) return "has the same parameter twice";
  if (pattern.split(SEPARATOR).some((part) => part.split("{").length > 2)) {
    return "has two parameters with neither : nor / between them";
  }
  return undefined;
}

export function paramsOf(pattern: string): string[] {
  return [...pattern.matchAll(PARAM)].map(([, name]) => name!);
}

/** Matches the names that `topicName` makes of this pattern, with a group for each parameter. */
export function patternExpression(pattern: string): RegExp {
  const source = pattern
    .split(PARAM)
    // `split` with a group gives the names of the parameters at the odd places.
    .map((piece, index) => (index % 2 === 1 ? VALUE : piece.replace(/[\\^$.*+?()[\]|]/g, String.raw`\$&`)))
    .join("");
  return new RegExp(`^${source}$`, "u");
}

/** The value of a parameter as `topicName` writes it; it has to be the one way of writing it. */
const VALUE = "((?:[^:/%]|%(?:25|3A|2F))+)";

/** A name that is of both patterns, if there is one. */
export function nameOfBoth(first: string, second: string): string | undefined {
  const parts = first.split(SEPARATOR);
  const others = second.split(SEPARATOR);
  if (parts.length !== others.length) return undefined;
  const both = parts.map((part, index) => partOfBoth(part, others[index]!));
  return both.includes(undefined) ? undefined : both.join("");
}

/** Two parts have a name in common where what stands before their parameters agrees, and what stands after. */
function partOfBoth(first: string, second: string): string | undefined {
  const [before = "", after] = first.split(/\{.*\}/);
  const [otherBefore = "", otherAfter] = second.split(/\{.*\}/);
  if (after === undefined) return literalOfPart(first, second);
  if (otherAfter === undefined) return literalOfPart(second, first);
  const start = before.length > otherBefore.length ? before : otherBefore;
  const end = after.length > otherAfter.length ? after : otherAfter;
  const agree =
    start.startsWith(before) && start.startsWith(otherBefore) && end.endsWith(after) && end.endsWith(otherAfter);
  return agree ? `${start}x${end}` : undefined;
}

/** The literal part, where the other part is the same or matches it. */
function literalOfPart(literal: string, other: string): string | undefined {
  return patternExpression(other).test(literal) ? literal : undefined;
}
