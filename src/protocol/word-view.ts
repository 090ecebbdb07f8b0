let viewed: Buffer | null = null;
let view: DataView | null = null;
let viewedBefore: Buffer | null = null;
let viewBefore: DataView | null = null;

/**
 * A view that reads and writes four bytes at a time, at any offset. Making one costs as much as a short message, so the last two are
 * remembered: what is read from and what is written to stay the same for many messages.
 */
export function viewOf(bytes: Buffer): DataView {
  if (viewed === bytes) return view!;
  const found = viewedBefore === bytes ? viewBefore! : new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  viewedBefore = viewed;
  viewBefore = view;
  viewed = bytes;
  view = found;
  return found;
}
