/** When the messages that wait for an answer were due, oldest first: a queue that does not move what is behind its head. */
export class DueTimes {
  #times: number[] = [];
  #head = 0;

  get length(): number {
    return this.#times.length - this.#head;
  }

  push(time: number): void {
    this.#times.push(time);
  }

  /** The oldest, taken out. */
  shift(): number | undefined {
    if (this.length === 0) return undefined;
    const time = this.#times[this.#head++];
    if (this.#head > 1024 && this.#head * 2 > this.#times.length) this.#compact();
    return time;
  }

  /** Takes one out, wherever it is. @returns whether it was there */
  take(time: number): boolean {
    // Nearly always answers come in order.
    if (this.#times[this.#head] === time && this.length > 0) {
      this.shift();
      return true;
    }
    const at = this.#times.indexOf(time, this.#head);
    if (at < 0) return false;
    this.#times.splice(at, 1);
    return true;
  }

  /** All that are left, oldest first, taken out. */
  drain(): number[] {
    this.#compact();
    const times = this.#times;
    this.#times = [];
    return times;
  }

  #compact(): void {
    this.#times = this.#times.slice(this.#head);
    this.#head = 0;
  }
}
