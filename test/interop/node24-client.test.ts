import { interop } from "./harness/contract.js";
import { startRemote, webMain } from "./peers/remote.js";
import { need } from "./harness/system.js";

const node = await need("node24");

interop({
  name: "the WebSocket of Node 24",
  skip: node.missing,
  start: () => startRemote(node.path, [webMain, "builtin"]),
});
