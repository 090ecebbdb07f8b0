let viewed: Buffer | null = null;
let view: DataView | null = null;

/**
 * A view that reads and writes four bytes at a time, at any offset. Making one costs as much as a short message, so the last one is
 * remembered: the messages of a chunk are read, and often relayed, one after another.
 */
export function viewOf(bytes: Buffer): DataView {
  if (viewed !== bytes || view === null) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    viewed = bytes;
  }
  return view;
}
