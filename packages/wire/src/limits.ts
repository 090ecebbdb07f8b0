/**
 * What a server takes at most. Lengths are of the text in UTF-8. `docs/wire.md` gives each of them.
 * None of them says how much a server lets one client have in all: that is the hub's to configure.
 */
export const limits = {
  /** The name of a topic or a call, and whom a message is from: their lengths are one byte of a binary frame. */
  nameBytes: 255,
  /** An epoch: engines name theirs in 20 or fewer. */
  epochBytes: 32,
  /** The key of a publish: a UUID has 36, SHA-512 in hexadecimal 128. */
  keyBytes: 128,
  /** A token: Node's HTTP server takes 16 KiB of headers, and nobody's token fills half of them. */
  tokenBytes: 8192,
  /** An error word of an application's own. */
  wordBytes: 64,
  /** A sentence for a person. */
  sentenceBytes: 1024,
  /** Topics in one hello: with the longest names and their positions these are 320 KB, which fit into a message of 512 KiB. */
  helloSubs: 1000,
  /** How deep a frame nests, itself included: the shallowest default among common parsers, System.Text.Json of .NET. */
  depth: 64,
  /** An id, an offset or a count in a text frame: 2^53 - 1, the largest whole number that every parser of JSON keeps. */
  number: 9_007_199_254_740_991,
  /** An offset or an id in a binary frame, which has six bytes for it: 2^48 - 1. */
  binaryNumber: 281_474_976_710_655,
} as const;
