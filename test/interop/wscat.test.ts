import { existsSync } from "node:fs";
import { interop } from "./harness/contract.js";
import { startWscat } from "./peers/wscat.js";

const script = process.platform === "linux" && existsSync("/usr/bin/script");

interop({
  name: "wscat",
  skip: script ? false : "cannot be installed here: wscat needs a terminal, which the script command of Linux gives it",
  binary: false,
  large: false,
  start: startWscat,
});
