/** A map of some of what there is: its size is that of all. */
export class LargerMap<Value> extends Map<string, Value> {
  readonly #size: () => number;

  constructor(size: () => number) {
    super();
    this.#size = size;
  }

  override get size(): number {
    return Math.max(super.size, this.#size());
  }
}
