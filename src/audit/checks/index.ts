/** The checks, by how they are run. */
import type { Check } from "../check.js";
import { compressionBomb } from "./compression-bomb.js";
import { halfOpen, resets } from "./endings.js";
import { busyNeighbour, pingFlood } from "./fairness.js";
import { headerSize } from "./header-size.js";
import { heartbeat } from "./heartbeat.js";
import { samePort, sameAddress } from "./identification.js";
import { logEvents, logIds, logLevels, logPerMessage, logStructure } from "./logs.js";
import { memory } from "./memory.js";
import { fragmentedSize, messageSize } from "./message-size.js";
import { neverReading } from "./never-reading.js";
import { unexpectedMessages } from "./unexpected-messages.js";
import { shutdown } from "./shutdown.js";
import { silentClient } from "./silent-client.js";
import { slowHeaders } from "./slow-headers.js";
import { originCheck, subprotocol, versionNegotiation } from "./upgrade.js";
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
  versionNegotiation,
  subprotocol,
  headerSize,
  unexpectedMessages,
  busyNeighbour,
  protocolViolations,
  resets,
  messageSize,
  fragmentedSize,
  compressionBomb,
  pingFlood,
];

/** When all the others are done. */
export const last: readonly Check[] = [ownFrames, memory, shutdown];
