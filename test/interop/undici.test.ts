import { interop } from "./harness/contract.js";
import { startRemote, webMain } from "./peers/remote.js";

interop({ name: "undici", start: () => startRemote(process.execPath, [webMain, "undici"]) });
