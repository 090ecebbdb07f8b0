import { type Node, parse } from "acorn";

/** One change of a compiled file that should make a test fail: `text` in place of `source[start, end)`. */
export interface Mutant {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** What kind of change it is. */
  readonly operator: string;
}

/** Any node, as far as the operators look at one. */
interface Tree extends Node {
  readonly [field: string]: unknown;
}

const SWAPPED: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "&": "|",
  "|": "&",
  "<<": ">>",
  ">>": "<<",
  ">>>": "<<",
  "&&": "||",
  "||": "&&",
  "++": "--",
  "--": "++",
  "+=": "-=",
  "-=": "+=",
  "|=": "&=",
  "&=": "|=",
  "??=": "=",
};

/**
 * All mutants of a compiled module. Left alone are texts for people (errors, log lines), declarations, and two changes that make no
 * difference: `undefined` for `false` where it is returned, and one more of a quantity that says by its name that it has no sharp edge.
 */
export function mutantsOf(source: string): Mutant[] {
  const mutants: Mutant[] = [];
  const add = (operator: string, { start, end }: Node, text: string): void => {
    if (source.slice(start, end) !== text) mutants.push({ start, end, text, operator });
  };
  const visit = (node: Tree, parent: Tree | null, inQuantity: boolean): void => {
    if (isForPeople(node)) return;
    if (!inQuantity || !isLarge(node)) mutate(node, parent, source, add);
    for (const child of childrenOf(node)) visit(child, node, inQuantity || isQuantity(node));
  };
  visit(parse(source, { ecmaVersion: "latest", sourceType: "module" }) as unknown as Tree, null, false);
  return mutants;
}

type Add = (operator: string, where: Node, text: string) => void;

function mutate(node: Tree, parent: Tree | null, source: string, add: Add): void {
  const textOf = ({ start, end }: Node): string => source.slice(start, end);
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
    case "AssignmentExpression": {
      const { left, right, operator } = node as unknown as { left: Tree; right: Tree; operator: string };
      const swapped = SWAPPED[operator];
      if (swapped !== undefined && !isText(left) && !isText(right))
        add("operator", node, `(${textOf(left)} ${swapped} ${textOf(right)})`);
      if (operator === "??") add("left alone", node, textOf(left));
      break;
    }
    case "UpdateExpression":
      add(
        "operator",
        node,
        textOf(node).replace(/\+\+|--/, (operator) => SWAPPED[operator]!),
      );
      break;
    case "UnaryExpression": {
      const { operator, argument } = node as unknown as { operator: string; argument: Tree };
      if (operator === "!" || operator === "-" || operator === "~") add("operator left out", node, textOf(argument));
      break;
    }
    case "IfStatement":
    case "ConditionalExpression":
    case "WhileStatement": {
      const test = node["test"] as Tree;
      if (node.type !== "WhileStatement") add("always", test, "true");
      add("never", test, "false");
      break;
    }
    case "Literal": {
      const { value } = node;
      if (typeof value === "boolean") add("boolean", node, String(!value));
      if (typeof value === "number" && !isKey(node, parent)) add("number", node, String(value + 1));
      break;
    }
    case "ExpressionStatement":
      if ((node["expression"] as Tree).type !== "Literal") add("left out", node, ";");
      break;
    case "ReturnStatement":
      if (node["argument"] === null) add("left out", node, ";");
      else if (!isFunction(node["argument"] as Tree) && !isNothing(node["argument"] as Tree))
        add("returns nothing", node, "return;");
      break;
    case "BreakStatement":
    case "ContinueStatement":
      if (parent?.type !== "SwitchCase") add("left out", node, ";");
      break;
  }
}

/** The text of an error or of a log line: to change it is to change words. */
function isForPeople(node: Tree): boolean {
  if (node.type === "ThrowStatement" || node.type === "ImportDeclaration") return true;
  return node.type === "ExpressionStatement" && isLogCall((node["expression"] as Tree)["callee"] as Tree | undefined);
}

function isLogCall(callee: Tree | undefined): boolean {
  const object = callee?.["object"] as Tree | undefined;
  const property = object?.["property"] as Tree | undefined;
  return callee?.type === "MemberExpression" && LOGS.has(property?.["name"]);
}

/** `this.#log.info(…)`, for one. */
const LOGS = new Set<unknown>(["log", "sampledLog"]);

function isText(node: Tree): boolean {
  return node.type === "TemplateLiteral" || (node.type === "Literal" && typeof node["value"] === "string");
}

function isKey(node: Tree, parent: Tree | null): boolean {
  return parent?.type === "Property" && parent["key"] === node;
}

function isNothing({ type, name, value }: Tree): boolean {
  return (type === "Identifier" && name === "undefined") || (type === "Literal" && value === false);
}

/** `const LINGER_MS = …`, for one: a size of memory, a time, or from where on a fast path pays. */
function isQuantity({ type, id }: Tree): boolean {
  return type === "VariableDeclarator" && /^[A-Z_]+_(?:BYTES|MS|PAYS_[A-Z]+)$/.test(String((id as Tree)["name"]));
}

/** One more is a few percent; below, it may be the length of a field. */
function isLarge({ type, value }: Tree): boolean {
  return type === "Literal" && typeof value === "number" && value > 16;
}

function isFunction({ type }: Tree): boolean {
  return type === "ArrowFunctionExpression" || type === "FunctionExpression";
}

function childrenOf(node: Tree): Tree[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Tree => typeof (value as Partial<Tree> | null)?.type === "string");
}
