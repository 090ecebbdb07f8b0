/**
 * Views that read and write four bytes at a time, at any offset. Making one costs as much as a short message, so the last one is
 * remembered, of what is read from and of what is written to: for many messages they are the same.
 */
let source: Buffer | null = null;
let sourceView: DataView | null = null;
let target: Buffer | null = null;
let targetView: DataView | null = null;

export function viewToRead(bytes: Buffer): DataView {
  if (source === bytes) return sourceView!;
  source = bytes;
  return (sourceView = viewOf(bytes));
}

export function viewToWrite(bytes: Buffer): DataView {
  if (target === bytes) return targetView!;
  target = bytes;
  return (targetView = viewOf(bytes));
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
