/** What the two sides tell each other, field by field. */
import type {
  History,
  Position,
  PresenceEntry,
  Published,
  PublishOptions,
  ReadOptions,
  StoredMessage,
} from "../../hub/brokers/broker.js";
import type { FieldReader } from "./frame-reader.js";
import type { FrameWriter } from "./frame-writer.js";

export function writePosition(frame: FrameWriter, { epoch, offset, stamp }: Position): void {
  frame.text(epoch).number(offset).text(stamp);
}

export function readPosition(fields: FieldReader): Position {
  return { epoch: fields.text(), offset: fields.number(), stamp: fields.optionalText() };
}

export function writeMessage(frame: FrameWriter, message: StoredMessage): void {
  const { offset, prev, epoch, stamp, binary, by, from, bytes } = message;
  frame
    .number(offset)
    .number(prev)
    .text(epoch)
    .text(stamp)
    .byte(binary ? 1 : 0)
    .text(by)
    .text(from)
    .data(bytes);
}

export function readMessage(fields: FieldReader): StoredMessage {
  return {
    offset: fields.number(),
    prev: fields.number(),
    epoch: fields.text(),
    stamp: fields.text(),
    binary: fields.byte() === 1,
    by: fields.optionalText(),
    from: fields.optionalText(),
    bytes: fields.data(),
  };
}

export function writePublish(frame: FrameWriter, bytes: Uint8Array, options: PublishOptions): void {
  const { binary, size, ttlMs, key, by, from } = options;
  frame
    .byte(binary ? 1 : 0)
    .number(size)
    .number(ttlMs)
    .text(key)
    .text(by)
    .text(from)
    .data(bytes);
}

export function readPublish(fields: FieldReader): { options: PublishOptions; bytes: Uint8Array } {
  const options = {
    binary: fields.byte() === 1,
    size: fields.number(),
    ttlMs: fields.number(),
    key: fields.optionalText(),
    by: fields.optionalText(),
    from: fields.optionalText(),
  };
  return { options, bytes: fields.data() };
}

export function writePublished(frame: FrameWriter, { offset, epoch, duplicate }: Published): void {
  frame
    .number(offset)
    .text(epoch)
    .byte(duplicate ? 1 : 0);
}

export function readPublished(fields: FieldReader): Published {
  return { offset: fields.number(), epoch: fields.text(), duplicate: fields.byte() === 1 };
}

export function writeReadOptions(frame: FrameWriter, { after, limit, reverse = false }: ReadOptions): void {
  frame
    .number(limit)
    .byte(reverse ? 1 : 0)
    .byte(after === undefined ? 0 : 1);
  if (after !== undefined) writePosition(frame, after);
}

export function readReadOptions(fields: FieldReader): ReadOptions {
  const [limit, reverse] = [fields.number(), fields.byte() === 1];
  return { limit, reverse, after: fields.byte() === 1 ? readPosition(fields) : undefined };
}

export function writeHistory(frame: FrameWriter, { head, messages, complete, diverged }: History): void {
  writePosition(frame, head);
  frame
    .byte(complete ? 1 : 0)
    .byte(diverged ? 1 : 0)
    .count(messages.length);
  for (const message of messages) writeMessage(frame, message);
}

export function readHistory(fields: FieldReader): History {
  const head = readPosition(fields);
  const [complete, diverged] = [fields.byte() === 1, fields.byte() === 1];
  return { head, complete, diverged, messages: fields.list(readMessage) };
}

export function writeEntry(frame: FrameWriter, { node, key, info }: PresenceEntry): void {
  frame.text(node).text(key).text(info);
}

export function readEntry(fields: FieldReader): PresenceEntry {
  return { node: fields.text(), key: fields.text(), info: fields.optionalText() };
}
