import { interop } from "./harness/contract.js";
import { startWs } from "./peers/ws.js";

interop({ name: "ws", start: startWs });
