/** A program that is typed for `ws` compiles with hawser/ws: what it is compiled by is the build of the tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { it } from "node:test";
import WebSocket, * as named from "#hawser/ws/index.js";
import * as ws from "ws";
import { projectRoot } from "../harness/root.js";
import { Named, start } from "./programs/typed-for-hawser.js";

it("a program typed for ws compiles with another import and no other change", () => {
  const read = (name: string): string => {
    const text = readFileSync(join(projectRoot, "test/ws/programs", `${name}.ts`), "utf8");
    return text.slice(text.indexOf("\n")).replaceAll('"#hawser/ws/index.js"', '"ws"');
  };
  assert.equal(read("typed-for-hawser"), read("typed-for-ws"));
  const { close } = start();
  close();
  assert.ok(Named.prototype instanceof WebSocket);
});

it("the exports are those of ws, but for its own parts", () => {
  const its = ["Receiver", "PerMessageDeflate"];
  const missing = Object.keys(ws).filter((name) => !(name in named) && !its.includes(name));
  assert.deepEqual(missing, []);
  for (const name of Object.keys(ws.default)) if (!its.includes(name)) assert.ok(name in WebSocket, name);
  const shown = (prototype: object): string[] => Object.keys(prototype).toSorted();
  assert.deepEqual(shown(WebSocket.prototype), shown(ws.WebSocket.prototype));
  assert.equal(named.default, named.WebSocket);
  assert.equal(WebSocket.Server, named.WebSocketServer);
  assert.equal(WebSocket.WebSocket, WebSocket);
  // As `require("ws")` is: by the package's name, for that is how its conditions are asked.
  const require = createRequire(join(projectRoot, "package.json"));
  for (const path of ["hawser/ws", "./packages/hawser/cjs/ws.cjs"]) assert.equal(require(path), WebSocket, path);
});
