/** A client's bytes below Node's documented API, for less time and memory: where Node is not as expected, the server runs without. */
import type { Duplex } from "node:stream";
import { type NodeInternals, NO_INTERNALS } from "../sockets/node-internals.js";
import { FrontDoor } from "./front-door.js";
import { afterAnswers, handleAsRequest, ignoreUpgrades } from "./other-upgrades.js";
import { letWrite, peerOf } from "./lean-request.js";
import { LeanSocket } from "./lean-socket.js";
import { SharedReads } from "./shared-reads.js";
import { detectStoreCheck } from "./store-check.js";

/** Majors of Node on which all tests have passed with what is in this folder. Others, and Bun, are served by the documented API alone. */
export const TRIED_MAJORS: readonly number[] = [20, 22, 24, 26];

/** All that the rest of the server has of this folder. README.md says what is used of Node, and what goes on without. */
export const internals: NodeInternals = isTried(process.versions)
  ? {
      openFrontDoor: (http, settings) => FrontDoor.open(http, settings),
      reads: SharedReads.detect(),
      carriesStores: detectStoreCheck(),
      ignoreUpgrades,
      handleAsRequest,
      streamOf: (socket, mayWrite) => {
        if (!(socket instanceof LeanSocket)) return socket as Duplex;
        if (mayWrite === true) letWrite(socket);
        return peerOf(socket);
      },
      afterAnswers,
    }
  : NO_INTERNALS;

/** Bun and Deno say which Node they take after. */
export function isTried({ node, bun, deno }: Readonly<Record<string, string | undefined>>): boolean {
  return bun === undefined && deno === undefined && TRIED_MAJORS.includes(Number.parseInt(node ?? "", 10));
}
