import { UsageError } from "./usage-error.js";

/** For members that nobody is to change. */
export const refuseChange = (): never => {
  throw new UsageError("this is to be read alone: what it shows is the server's own");
};

/** Methods that change nothing. Any other that Map and Set have, or that a later ECMAScript gives them, is refused. */
const READS = new Set<unknown>([
  "get",
  "has",
  "keys",
  "values",
  "entries",
  Symbol.iterator,
  "union",
  "intersection",
  "difference",
  "symmetricDifference",
  "isSubsetOf",
  "isSupersetOf",
  "isDisjointFrom",
]);

type Collection = ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>;

/** A view of a live Map or Set: it changes as that does, and whoever writes to it gets a UsageError. */
export function readOnly<Value extends Collection>(value: Value): Value {
  return new Proxy(value, handler) as Value;
}

const handler: ProxyHandler<Collection> = {
  get(target, key, view) {
    if (key === "size") return target.size;
    // It hands out the collection itself, as the third argument.
    if (key === "forEach") {
      return (call: (...args: unknown[]) => unknown, thisArg?: unknown) =>
        target.forEach((value, name) => Reflect.apply(call, thisArg, [value, name, view]));
    }
    const value: unknown = Reflect.get(target, key, view);
    // Its methods take no proxy as `this`. Those of every object do: bound to it, `valueOf` would hand it out.
    const isMethod = typeof value === "function" && key !== "constructor" && !(key in Object.prototype);
    return !isMethod ? value : READS.has(key) ? (value.bind(target) as unknown) : refuseChange;
  },
  set: refuseChange,
  defineProperty: refuseChange,
  deleteProperty: refuseChange,
  preventExtensions: refuseChange,
  setPrototypeOf: refuseChange,
};
