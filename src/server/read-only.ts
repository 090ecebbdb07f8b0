import { UsageError } from "./usage-error.js";

/** Numbers and what is made of them, to be read. */
export type ReadOnly<Value> = Value extends readonly unknown[]
  ? Readonly<Value>
  : Value extends object
    ? {
        readonly [Key in keyof Value as Value[Key] extends (...args: never) => unknown ? never : Key]: ReadOnly<
          Value[Key]
        >;
      }
    : Value;

/** A view of a live object, Map or Set: it changes as that does, and whoever writes to it gets a UsageError. */
export function readOnly<Value extends object>(value: Value): Value {
  return new Proxy(value, handler) as Value;
}

const CHANGES = new Set<unknown>(["add", "set", "delete", "clear"]);

const refuse = (): never => {
  throw new UsageError("this is to be read alone: what it shows is the server's own");
};

const handler: ProxyHandler<object> = {
  get(target, key) {
    const value: unknown = Reflect.get(target, key, target);
    // Methods of Map and Set take no proxy as `this`.
    if (typeof value === "function") return CHANGES.has(key) ? refuse : (value.bind(target) as unknown);
    return typeof value === "object" && value !== null ? readOnly(value) : value;
  },
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  setPrototypeOf: refuse,
};
