// docs/hub-http.md: its curl lines are run, one after another, and its tables have what the code has.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { operations } from "#hawser/hub/http/operations.js";
import { hubHttpNumbers } from "#hawser/hub/http/options.js";
import { notOnWindows } from "../harness/platform.js";
import { postOf } from "../hub/http/harness/contract.js";
import { KEY, withRig } from "../hub/http/harness/rig.js";
import { need } from "../interop/harness/system.js";
import { readDocument, tableAfter } from "./harness/markdown.js";

const page = readDocument("docs/hub-http.md");
const shown = [...page.matchAll(/^```sh\n(curl[\s\S]*?)^```\n\n```json\n([\s\S]*?)^```/gm)].map(
  ([, command, answer]) => ({
    command: command!,
    answer: JSON.parse(answer!) as unknown,
  }),
);

const shell = notOnWindows("a POSIX shell");
const curl = shell === false ? await need("curl") : { missing: shell };

describe("docs/hub-http.md", () => {
  it("has a curl line for each operation", () => {
    assert.equal(page.match(/^curl /gm)?.length, shown.length);
    for (const name of Object.keys(operations)) {
      assert.ok(
        shown.some(({ command }) => command.includes(`/hub/${name} `)),
        name,
      );
    }
  });

  it("answers as it says", { skip: curl.missing }, async () => {
    await withRig(async (rig) => {
      const members = [
        { user: "u7", info: '{"name":"Ada"}' },
        { user: "u9", info: undefined },
      ];
      rig.hub.members_.set("/lobby", members);
      for (const { command, answer } of shown) {
        const here = command.replace("curl http://127.0.0.1:8080/", `curl --silent http://127.0.0.1:${rig.port}/`);
        const { stdout } = await promisify(execFile)("sh", ["-c", here], { env: { ...process.env, HUB_KEY: KEY } });
        assert.deepEqual(JSON.parse(stdout), answer, command);
      }
    });
  });

  it("has the options with their defaults", () => {
    const rows = new Map(
      tableAfter(page, "Options").map((row) => [row["Option"]!.replaceAll("`", ""), row["Default"]]),
    );
    for (const [name, { initial }] of Object.entries(hubHttpNumbers))
      assert.equal(rows.get(name), String(initial), name);
    assert.equal(rows.size, Object.keys(hubHttpNumbers).length + 4);
  });

  it("has the statuses of the OpenAPI document, and 405, which needs no operation", () => {
    const told = tableAfter(page, "When something is wrong").map((row) => row["Status"]);
    const known = Object.keys(postOf("publish").responses).filter((status) => status !== "200");
    assert.deepEqual(told, [...known, "405"].toSorted());
  });
});
