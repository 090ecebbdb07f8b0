import { interop } from "./contract.js";
import { interopFile } from "./files.js";
import { startRemote } from "./peers/remote.js";
import { need } from "./system.js";

const bun = await need("bun");

interop({
  name: "Bun's WebSocket",
  skip: bun.missing,
  start: () => startRemote(bun.path, [interopFile("peers/web-main.mjs"), "builtin"]),
});
