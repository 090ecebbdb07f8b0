import { interop } from "./contract.js";
import { interopFile } from "./files.js";
import { startRemote } from "./peers/remote.js";
import { need } from "./system.js";

const node = await need("node24");

interop({
  name: "the WebSocket of Node 24",
  skip: node.missing,
  start: () => startRemote(node.path, [interopFile("peers/web-main.mjs"), "builtin"]),
});
