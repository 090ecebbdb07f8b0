import { SLAB_BYTES } from "../../protocol/assembly.js";
import { Account, type Hold, type MemoryBudget } from "../sending/memory-budget.js";

/** What a message that has begun takes besides the memory of its bytes. Measured. */
const MESSAGE_BYTES = 256;

/** The books of what has come from one client and is not a message that its handler has: made when there is any. */
export class Incoming {
  readonly #account: Account;
  /** What a message that has come in part is gathered in. */
  #memory: ArrayBufferLike | null = null;
  #hold: Hold | null = null;
  /** What is charged besides. */
  #charged = 0;

  /** @param onOverflow it is this client that holds most, and more than there is for all: it is to let go */
  constructor(budget: MemoryBudget, onOverflow: () => void) {
    this.#account = new Account(budget, onOverflow);
  }

  /**
   * Notes what is held now, and has whoever holds most let go when that is too much.
   * @param partial memory of a message that has come in part
   * @param rest bytes that have been read and not parsed
   */
  set(partial: Buffer | null, rest: number): void {
    // To hold on to what is nobody else's would cost more than to charge for it.
    const isOwn = partial !== null && partial.length > SLAB_BYTES;
    const memory = partial === null || isOwn ? null : partial.buffer;
    // What was unmasked ahead of a pause lies there a second time.
    const charged = 2 * rest + (partial === null ? 0 : MESSAGE_BYTES) + (isOwn ? partial.length : 0);
    if (memory === this.#memory && charged === this.#charged) return;
    const before = this.#account.share;
    this.#account.charge(charged - this.#charged);
    this.#charged = charged;
    if (memory !== this.#memory) {
      const hold = memory === null ? null : this.#account.hold(memory);
      this.#hold?.release();
      this.#hold = hold;
      this.#memory = memory;
    }
    if (this.#account.share > before) this.#account.budget.settle(this.#account);
  }

  release(): void {
    this.set(null, 0);
  }
}
