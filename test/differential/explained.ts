/** Every way in which the two peers may differ, with the sentence that says why both, or we alone, are right. */
import { hasFinalBlock } from "./final-blocks.js";
import type { Difference } from "./outcome.js";
import { MAX_MESSAGE_BYTES, type Stream } from "./stream.js";

export interface Explanation {
  name: string;
  /** The sentence of the RFC. */
  rfc: string;
  why: string;
  explains(difference: Difference, stream: Stream): boolean;
}

export const EXPLAINED: readonly Explanation[] = [
  {
    name: "text fails at the first byte that is wrong",
    rfc: 'RFC 6455 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."',
    why: "we find it as it comes, ws when the message is whole: until then it sees control frames, other violations or the end",
    explains: ({ ours, theirs }) => ours.what === "failed" && ours.name === "invalid-utf8" && theirs.what !== "message",
  },
  {
    name: "lengths in their shortest form",
    rfc: 'RFC 6455 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length".',
    why: "ws takes longer forms",
    explains: ({ ours }) => ours.what === "failed" && ours.name === "non-minimal-length",
  },
  {
    name: "the highest bit of a length",
    rfc: 'RFC 6455 5.2: "the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0)".',
    why: "a broken rule (1002) to us, too big (1009) to ws",
    explains: ({ ours, theirs }) =>
      ours.what === "failed" && ours.name === "invalid-length" && theirs.what === "failed" && theirs.code === 1009,
  },
  {
    name: "a message is decompressed when it is whole",
    rfc: 'RFC 7692 7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message. Decompress the resulting data using DEFLATE."',
    why: "ws decompresses fragment by fragment and finds broken data before the message's end or its next violation",
    explains: ({ ours, theirs }, { compression }) =>
      compression !== null && theirs.what === "failed" && theirs.name.startsWith("Z_") && ours.what !== "message",
  },
  {
    name: "compressed data ends where a block ends",
    rfc: 'RFC 7692 7.2.1: an endpoint makes a message end in an empty block ("append 1 empty DEFLATE block with no compression"), less the octets that 7.2.2 puts back; RFC 1951 3.2.3 knows no block without its end.',
    why: "ws takes what zlib has made of a block that is cut, as if it were the message",
    explains: ({ ours, theirs }, { damaged }) =>
      damaged && ours.what === "failed" && ours.name === "invalid-compressed-data" && theirs.what !== "failed",
  },
  {
    name: "the limit is on the message, not on its compressed form",
    rfc: 'RFC 6455 10.4: "Such an implementation SHOULD impose a limit on frame sizes and the total message size after reassembly from multiple frames": on the message; RFC 1951 3.2.4 makes what does not compress a few bytes longer.',
    why: "ws counts the compressed bytes as well; we allow for the few that deflate adds",
    explains: ({ ours, theirs }, { compression }) =>
      compression !== null &&
      theirs.what === "failed" &&
      theirs.code === 1009 &&
      (ours.what !== "message" || ours.bytes.length <= MAX_MESSAGE_BYTES),
  },
  {
    name: "empty fragments without end",
    rfc: 'RFC 6455 10.4: "a malicious endpoint can try to exhaust its peer\'s memory or mount a denial-of-service attack by [...] sending a long stream of small frames that are a part of a fragmented message".',
    why: "we count the empty fragments of a message, since no size limit ever stops them; the receiver of ws does not unless told to",
    explains: ({ ours }) => ours.what === "failed" && ours.name === "too-many-empty-fragments",
  },
  {
    name: "a close frame is judged when it is whole",
    rfc: 'RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".',
    why: "ws fails a body of one byte by its header, we by the body, which here does not come",
    explains: ({ ours, theirs }) =>
      ours.what === "open" && theirs.what === "failed" && theirs.name === "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
  },
  {
    name: "what follows a message with BFINAL set",
    rfc: 'RFC 7692 7.2.3.4: "implementors can choose to flush data using DEFLATE blocks with "BFINAL" set to 1"; 7.2.2: "the server MUST decompress each new message using the LZ77 sliding window used to process the last compressed message".',
    why: "ws feeds the next message to a zlib stream that has ended, and has an empty one in its place, or loses the window",
    explains: ({ theirs }, { bytes, compression }) =>
      compression !== null &&
      ((theirs.what === "message" && theirs.bytes.length === 0) ||
        (theirs.what === "failed" && theirs.name.startsWith("Z_"))) &&
      hasFinalBlock(bytes),
  },
];
