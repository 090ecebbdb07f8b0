import { interop } from "./harness/contract.js";
import { startRemote, webMain } from "./peers/remote.js";
import { need } from "./harness/system.js";

const bun = await need("bun");

interop({
  name: "Bun's WebSocket",
  skip: bun.missing,
  start: () => startRemote(bun.path, [webMain, "builtin"]),
});
