import { Message } from "#hawser/server/sending/message.js";
import type { Scratch } from "#hawser/server/sending/scratch.js";

/** A message with what the types of the package leave out. */
export interface ReceivedMessage extends Message {
  toFrame(): Buffer;
  addTo(scratch: Scratch): number;
}

/** The message that is `chunk[start, end)`. */
export const ReceivedMessage = Message as unknown as new (
  chunk: Buffer,
  start: number,
  end: number,
  isBinary: boolean,
) => ReceivedMessage;
