/** Counts the data frames in a stream of unmasked frames by their headers alone, where a reply's length is not known beforehand. */
export class FrameCounter {
  #header = Buffer.alloc(10);
  #have = 0;
  #skip = 0;

  /** @returns how many data frames begin and have their whole header in these bytes */
  count(bytes: Uint8Array, length: number): number {
    let frames = 0;
    let at = 0;
    while (at < length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      this.#header[this.#have++] = bytes[at++]!;
      if (this.#have < 2) continue;
      const short = this.#header[1]! & 127;
      const headerLength = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.#have < headerLength) continue;
      this.#skip = short < 126 ? short : short === 126 ? this.#header.readUInt16BE(2) : this.#header.readUInt32BE(6);
      this.#have = 0;
      // Control frames have the high bit of the opcode set (RFC 6455 5.5).
      if ((this.#header[0]! & 0x08) === 0) frames++;
    }
    return frames;
  }
}
