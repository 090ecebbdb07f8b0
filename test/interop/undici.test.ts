import { interop } from "./contract.js";
import { interopFile } from "./files.js";
import { startRemote } from "./peers/remote.js";

interop({ name: "undici", start: () => startRemote(process.execPath, [interopFile("peers/web-main.mjs"), "undici"]) });
