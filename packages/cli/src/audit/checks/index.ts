/** The checks, by how they are run. */
import type { Check } from "../check.js";
import { compressionBomb } from "./compression-bomb.js";
import { halfOpen, resets } from "./endings.js";
import { bombFlood, busyNeighbour, messageFlood, pingFlood } from "./fairness.js";
import { headerSize } from "./header-size.js";
import { heartbeat } from "./heartbeat.js";
import { samePort, sameAddress } from "./identification.js";
import { logEvents, logIds, logLevels, logPerMessage, logStructure } from "./logs.js";
import { memory } from "./memory.js";
import { fragmentedSize, messageSize } from "./message-size.js";
import { neverReading } from "./never-reading.js";
import { oneAnswer, otherUpgrade } from "./one-answer.js";
import { unexpectedMessages } from "./unexpected-messages.js";
import { shutdown } from "./shutdown.js";
import { silentClient } from "./silent-client.js";
import { slowHeaders } from "./slow-headers.js";
import { stall } from "./stall.js";
import { tinyMessages } from "./tiny-messages.js";
import { originCheck, rebinding, subprotocol, versionNegotiation } from "./upgrade.js";
import { ownFrames, protocolViolations } from "./violations.js";

/** What was seen before anything else happened to the server. */
export const early: readonly Check[] = [logIds, logStructure, logEvents, logLevels, logPerMessage];

/** Each waits for a deadline of the server's and disturbs nobody: they run beside everything else. */
export const waiting: readonly Check[] = [neverReading, silentClient, heartbeat, slowHeaders, halfOpen];

/** Before any other connection is there: a server that mixes clients up would mix up those of the other checks. */
export const first: readonly Check[] = [sameAddress, samePort];

/** One after another, the rough ones last. */
export const serial: readonly Check[] = [
  originCheck,
  rebinding,
  versionNegotiation,
  subprotocol,
  otherUpgrade,
  headerSize,
  unexpectedMessages,
  busyNeighbour,
  protocolViolations,
  // What follows the handshake breaks a rule, too.
  oneAnswer,
  resets,
  messageSize,
  fragmentedSize,
  compressionBomb,
  pingFlood,
  messageFlood,
  bombFlood,
];

/** When all the others are done. */
export const last: readonly Check[] = [ownFrames, memory];

/** What no other check would bear beside it. */
export const alone: readonly Check[] = [tinyMessages, stall];

export const end: readonly Check[] = [shutdown];

export const checks: readonly Check[] = [...early, ...first, ...waiting, ...serial, ...last, ...alone, ...end];
