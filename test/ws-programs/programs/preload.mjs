// Socket.IO in a program that cannot be edited: what its servers have by default is set by a file that Node loads before it.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { io } from "socket.io-client";

const statusFor = async (origin, execArgv) => {
  const program = fork("preloaded/socket-io-server.cjs", { execArgv });
  const [port] = await once(program, "message");
  const page = io(`http://127.0.0.1:${port}`, {
    transports: ["websocket"],
    reconnection: false,
    extraHeaders: { origin },
  });
  const outcome = await Promise.race([
    once(page, "hello").then(([from]) => from),
    once(page, "connect_error").then(([error]) => error.description.message),
  ]);
  page.close();
  program.disconnect();
  await once(program, "exit");
  return outcome;
};

const refused = "Unexpected server response: 403";
const preload = ["--import", "./preloaded/set-defaults.mjs"];
assert.equal(await statusFor("https://app.example", []), refused);
assert.equal(await statusFor("https://app.example", preload), "https://app.example");
assert.equal(await statusFor("https://evil.example", preload), refused);
