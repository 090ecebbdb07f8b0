import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { types } from "node:util";
import type { CarriesStores } from "../base/async-context.js";

const TYPE = "HAWSERCHECK";
/** Properties that each resource has, and one that it has while a hook waits for its end. Any other is what a storage has there. */
const ALWAYS_THERE = ["async_id_symbol", "trigger_async_id_symbol"];
const NO_STORES = new Set([...ALWAYS_THERE, "destroyed"]);
/** The one that all storages have together since Node 24. Node 22 has it, and leaves it empty unless a flag is set. */
const FRAME = "context_frame";

/** @returns null where it cannot be seen whether anything is in a resource */
export function detectStoreCheck(): CarriesStores | null {
  const own = Object.getOwnPropertySymbols(new AsyncResource(TYPE));
  if (!ALWAYS_THERE.every((name) => own.some(({ description }) => description === name))) return null;
  // Before Node 24 a storage that is used slows down every promise from then on: it is not tried there, and these versions do not change.
  if (Number.parseInt(process.versions.node, 10) < 24) return hasMore;
  const frame = own.find(({ description }) => description === FRAME);
  const hasFrame: CarriesStores = (resource) => frame !== undefined && isFull((resource as Resource)[frame]);
  return [hasFrame, hasMore].find(isRight) ?? null;
}

type Resource = AsyncResource & Record<symbol, unknown>;

/** A frame is a map of storages; one whose `run` is over stays in it, with nothing. To `instanceof` it is no Map. */
function isFull(frame: unknown): boolean {
  if (!types.isMap(frame)) return frame !== undefined;
  return [...Map.prototype.values.call(frame)].some((store) => store !== undefined);
}

function hasMore(resource: AsyncResource): boolean {
  return Object.getOwnPropertySymbols(resource).some(
    (symbol) => !NO_STORES.has(symbol.description ?? "") && (resource as Resource)[symbol] !== undefined,
  );
}

/** Whether it sees what is in a storage. */
function isRight(carries: CarriesStores): boolean {
  return new AsyncResource(TYPE).runInAsyncScope(() =>
    new AsyncLocalStorage<true>().run(true, () => carries(new AsyncResource(TYPE))),
  );
}
