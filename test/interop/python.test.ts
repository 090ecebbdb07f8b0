import { interop } from "./harness/contract.js";
import { interopFile } from "./harness/files.js";
import { startRemote } from "./peers/remote.js";
import { need } from "./harness/system.js";

const python = await need("python-websockets");

interop({
  name: "Python's websockets",
  skip: python.missing,
  start: () => startRemote(python.path, [interopFile("peers/python.py")]),
});
