// What each operation asks of the hub, and answers.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HubError } from "#hawser/hub/hub-error.js";
import { EPOCH } from "./harness/fake-hub.js";
import { withRig } from "./harness/rig.js";

const JSON_TEXT = '{"z":1, "a":12345678901234567890.50, "10":1e400,"text":"\\u00e4 \\ud83d\\ude00 }]\\"," }';

describe("publish", () => {
  it("answers with the position, and asks with the key and the time that there is", async () => {
    await withRig(async ({ ask, hub }) => {
      assert.deepEqual((await ask("publish", { body: { topic: "/lobby", data: 1 } })).body, {
        offset: 1,
        epoch: EPOCH,
        duplicate: false,
      });
      assert.deepEqual(hub.calls, [
        ["publish", "/lobby", { binary: false, json: "1", value: 1 }, { key: undefined, timeoutMs: 5000 }],
      ]);
    });
  });

  it("the payload is cut out as it is written, wherever it stands", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const body of [
        `{"topic":"t","data":${JSON_TEXT}}`,
        `{"data":${JSON_TEXT},"topic":"t"}`,
        ` {\n "key" : "a\\"b" ,\t"d\\u0061ta" :\r\n ${JSON_TEXT} , "top\\u0069c" : "t" } \n`,
        `\ufeff{"data":${JSON_TEXT},"topic":"t"}`,
      ]) {
        assert.equal((await ask("publish", { body })).status, 200, body);
        assert.equal((hub.calls.at(-1)![2] as { json: string }).json, JSON_TEXT);
      }
    });
  });

  it("every kind of JSON is a payload", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const json of [
        "null",
        "false",
        "0",
        "-0",
        '""',
        '"a,b}"',
        "[]",
        "{}",
        '[{"data":1},"]"]',
        '{"topic":{"data":[]}}',
      ]) {
        assert.equal((await ask("publish", { body: `{"data":${json},"topic":"t"}` })).status, 200, json);
        assert.equal((hub.calls.at(-1)![2] as { json: string }).json, json);
      }
    });
  });

  it("bytes come in base64", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const bytes of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 255]), Buffer.from([1, 2, 3])]) {
        assert.equal((await ask("publish", { body: { topic: "t", base64: bytes.toString("base64") } })).status, 200);
        assert.deepEqual(hub.calls.at(-1)![2], { binary: true, bytes: new Uint8Array(bytes) });
      }
    });
  });

  it("the same key once: in the body, in the header, with and without quotes", async () => {
    await withRig(async ({ ask }) => {
      const published = async (body: object, header?: string): Promise<unknown> =>
        (await ask("publish", { body, ...(header === undefined ? {} : { headers: { "Idempotency-Key": header } }) }))
          .body;
      const first = { offset: 1, epoch: EPOCH, duplicate: false };
      const again = { ...first, duplicate: true };
      assert.deepEqual(await published({ topic: "t", data: 1, key: "k 1" }), first);
      assert.deepEqual(await published({ topic: "t", data: 1, key: "k 1" }), again);
      assert.deepEqual(await published({ topic: "t", data: 1 }, "k 1"), again);
      assert.deepEqual(await published({ topic: "t", data: 1 }, '"k 1"'), again);
      assert.deepEqual(await published({ topic: "t", data: 1, key: "k 1" }, "k 1"), again);
    });
  });

  it("two keys that differ, and one that is none, are refused", async () => {
    await withRig(async ({ ask, hub }) => {
      const body = { topic: "t", data: 1, key: "a" };
      const detail = async (header: string): Promise<unknown> => {
        const { status, body: problem } = await ask("publish", { body, headers: { "Idempotency-Key": header } });
        assert.equal(status, 400);
        return problem["detail"];
      };
      assert.match(String(await detail("b")), /not the same/);
      assert.match(String(await detail("x".repeat(129))), /Idempotency-Key has to be a key: 1 to 128 bytes/);
      assert.match(String(await detail('""')), /Idempotency-Key has to be/);
      assert.deepEqual(hub.calls, []);
    });
  });

  it("a topic without history has no position", async () => {
    await withRig(async ({ ask }) => {
      assert.deepEqual((await ask("publish", { body: { topic: "live:a", data: 1 } })).body, { duplicate: false });
    });
  });
});

describe("broadcast", () => {
  it("tells of each topic what became of it", async () => {
    await withRig(async ({ ask, hub }) => {
      const topics = ["a", "live:b", "forbidden", "down"];
      const { status, body } = await ask("broadcast", {
        body: `{"topics":${JSON.stringify(topics)},"data":1.50,"key":"k"}`,
      });
      assert.equal(status, 200);
      assert.deepEqual(body["results"], [
        { topic: "a", offset: 1, epoch: EPOCH, duplicate: false },
        { topic: "live:b", duplicate: false },
        { topic: "forbidden", error: { code: "forbidden", detail: "nobody may do this" } },
        { topic: "down", error: { code: "unavailable", detail: "the engine is down", retryMs: 1000 } },
      ]);
      assert.deepEqual(hub.calls, [
        ["broadcast", topics, { binary: false, json: "1.50", value: 1.5 }, { key: "k", timeoutMs: 5000 }],
      ]);
    });
  });

  it("a thousand topics, and not one more, and none twice", async () => {
    await withRig(async ({ ask }) => {
      const topics = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`);
      assert.equal((await ask("broadcast", { body: { topics: topics(1000), data: 1 } })).status, 200);
      const more = await ask("broadcast", { body: { topics: topics(1001), data: 1 } });
      assert.deepEqual([more.status, more.body["code"]], [400, "too-many"]);
      assert.equal((await ask("broadcast", { body: { topics: ["a", "b", "a"], data: 1 } })).status, 400);
      assert.equal((await ask("broadcast", { body: { topics: [], data: 1 } })).status, 400);
    });
  });
});

describe("history", () => {
  it("the newest, those before and those after, as they were written", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const data of ["1.0", JSON_TEXT, '"c"']) await ask("publish", { body: `{"topic":"t","data":${data}}` });
      await ask("publish", { body: { topic: "t", base64: "AAEC" } });
      const all = await ask("history", { body: { topic: "t" } });
      const four = `{"offset":4,"base64":"AAEC"}`;
      const two = `{"offset":2,"data":${JSON_TEXT}}`;
      assert.equal(
        all.text,
        `{"offset":4,"epoch":"${EPOCH}","messages":[{"offset":1,"data":1.0},${two},{"offset":3,"data":"c"},${four}],"more":false,"missed":false}`,
      );
      const offsets = async (body: object): Promise<unknown[]> => {
        const { messages, more, missed } = (await ask("history", { body: { topic: "t", ...body } })).body as {
          messages: { offset: number }[];
          more: boolean;
          missed: boolean;
        };
        return [messages.map(({ offset }) => offset), more, missed];
      };
      assert.deepEqual(await offsets({ max: 2 }), [[3, 4], true, false]);
      assert.deepEqual(await offsets({ max: 2, before: 3 }), [[1, 2], false, false]);
      assert.deepEqual(await offsets({ after: 1, epoch: EPOCH, max: 1 }), [[2], true, false]);
      assert.deepEqual(await offsets({ after: 1, epoch: "other" }), [[], false, true]);
      const options = { max: 100, before: undefined, after: 1, epoch: "other", timeoutMs: 5000 };
      assert.deepEqual(hub.calls.at(-1), ["history", "t", options]);
    });
  });

  it("who published it", async () => {
    await withRig(async (rig) => {
      const messages = [{ offset: 9, by: 'u"7', payload: { json: "1" } }];
      rig.hub.history = () => Promise.resolve({ offset: 9, epoch: EPOCH, messages, more: true, missed: false });
      const { body } = await rig.ask("history", { body: { topic: "t" } });
      assert.deepEqual([body["messages"], body["more"]], [[{ offset: 9, by: 'u"7', data: 1 }], true]);
    });
  });

  it("an answer has 4 MiB at most, the messages nearest to where it was asked for, and one at least", async () => {
    await withRig(async (rig) => {
      const { ask, hub } = rig;
      let size = 1_500_000;
      const page = (): ReturnType<typeof hub.history> => {
        const messages = [1, 2, 3, 4].map((offset) => ({
          offset,
          by: undefined,
          payload: { json: `"${"x".repeat(size)}"` },
        }));
        return Promise.resolve({ offset: 4, epoch: EPOCH, messages, more: false, missed: false });
      };
      hub.history = page;
      const offsets = async (more: object): Promise<unknown[]> => {
        const { body } = await ask("history", { body: { topic: "t", ...more } });
        return [(body["messages"] as { offset: number }[]).map(({ offset }) => offset), body["more"]];
      };
      assert.deepEqual(await offsets({}), [[3, 4], true]);
      assert.deepEqual(await offsets({ before: 5 }), [[3, 4], true]);
      assert.deepEqual(await offsets({ after: 0, epoch: EPOCH }), [[1, 2], true]);
      size = 5_000_000;
      assert.deepEqual(await offsets({}), [[4], true]);
      assert.deepEqual(await offsets({ after: 0, epoch: EPOCH }), [[1], true]);
      size = 1_000_000;
      assert.deepEqual(await offsets({}), [[1, 2, 3, 4], false]);
    });
  });
});

describe("members and count", () => {
  it("who is there, with what is known of them, and how many", async () => {
    await withRig(async ({ ask, hub }) => {
      hub.members_.set("t", [
        { user: "u7", info: '{"n":1.0}' },
        { user: 'u"9', info: undefined },
      ]);
      assert.equal(
        (await ask("members", { body: { topic: "t" } })).text,
        '{"count":2,"members":[{"user":"u7","info":{"n":1.0}},{"user":"u\\"9"}]}',
      );
      assert.deepEqual(hub.calls.at(-1), ["members", "t", { max: 1000, timeoutMs: 5000 }]);
      assert.deepEqual((await ask("members", { body: { topic: "t", max: 1 } })).body["members"], [
        { user: "u7", info: { n: 1 } },
      ]);
      assert.deepEqual((await ask("count", { body: { topic: "t" } })).body, { count: 2 });
      assert.deepEqual(hub.calls.at(-1), ["count", "t", { timeoutMs: 5000 }]);
    });
  });
});

describe("revoke", () => {
  it("a user, a connection, with and without a topic", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const whom of [
        { user: "u7" },
        { user: "u7", topic: "t" },
        { client: "0b8f" },
        { client: "0b8f", user: "u7", topic: "t" },
      ]) {
        assert.deepEqual((await ask("revoke", { body: whom })).body, {});
        const asked = { user: undefined, client: undefined, topic: undefined, ...whom };
        assert.deepEqual(hub.calls.at(-1), ["revoke", asked, { timeoutMs: 5000 }]);
      }
      assert.equal((await ask("revoke", { body: { topic: "t" } })).status, 400);
    });
  });
});

describe("what the hub says no to", () => {
  const STATUS: [ConstructorParameters<typeof HubError>[0], number][] = [
    ["bad-request", 400],
    ["too-big", 413],
    ["unknown-topic", 404],
    ["forbidden", 403],
    ["duplicate-id", 409],
    ["too-many", 429],
    ["limit", 429],
    ["unavailable", 503],
    ["timeout", 503],
    ["unsupported", 501],
    ["failed", 500],
  ];

  for (const [code, status] of STATUS) {
    it(`${code} is ${status}`, async () => {
      await withRig(async ({ ask, hub, failures }) => {
        hub.instead = () => Promise.reject(new HubError(code, "it says why"));
        const answer = await ask("publish", { body: { topic: "t", data: 1 } });
        assert.equal(answer.status, status);
        assert.equal(answer.headers["content-type"], "application/problem+json");
        assert.deepEqual(
          [answer.body["code"], answer.body["detail"], answer.body["status"]],
          [code, "it says why", status],
        );
        assert.equal(answer.headers["retry-after"], undefined);
        assert.deepEqual(failures, []);
      });
    });
  }

  it("a time to come back is told in seconds for everybody, and in milliseconds", async () => {
    await withRig(async ({ ask, hub }) => {
      for (const [retryMs, seconds] of [
        [1, "1"],
        [1000, "1"],
        [1001, "2"],
      ] as const) {
        hub.instead = () => Promise.reject(new HubError("unavailable", "later", retryMs));
        const { headers, body } = await ask("publish", { body: { topic: "t", data: 1 } });
        assert.deepEqual([headers["retry-after"], body["retryMs"]], [seconds, retryMs]);
      }
    });
  });

  it("a fault of the server's own is told to the server alone", async () => {
    await withRig(async ({ ask, hub, failures }) => {
      const error = new TypeError("the password of the database is hunter2");
      hub.instead = () => Promise.reject(error);
      const { status, body, text } = await ask("history", { body: { topic: "t" } });
      assert.deepEqual([status, body["code"]], [500, "failed"]);
      assert.doesNotMatch(text, /hunter2/);
      assert.deepEqual(failures, [["history", error]]);
    });
  });
});
