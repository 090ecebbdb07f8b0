/** Practice 7 once more: anything can be thrown, returned or rejected with, also what throws when somebody looks at it. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { pino } from "pino";
import { Refuse, type ServerOptions } from "#hawser/index.js";
import { until } from "../harness/concurrency.js";
import { frame } from "../harness/frames.js";
import { type Rig, startRig, turns } from "../harness/rig.js";

/* oxlint-disable unicorn/no-thenable -- JavaScript has them */

/** `[name, makes one]`: each is made anew, since some can be read a few times alone. */
const unreadable: [name: string, make: () => unknown][] = [
  ["a revoked proxy", () => revoked({})],
  ["a revoked proxy of a function", () => revoked(() => {})],
  ["a revoked proxy of a refusal", () => revoked(new Refuse(403))],
  ["a proxy whose traps throw", () => new Proxy({}, new Proxy({}, { get: () => fail }))],
  ["an object whose members throw", () => withGetters({})],
  ["an object of a class whose members throw", () => Object.create(withGetters({})) as object],
  [
    "an object of a class whose message throws",
    () =>
      Object.create({
        get message() {
          return fail();
        },
      }) as object,
  ],
  ["an error whose members throw", () => withGetters(new Error("bug"))],
  ["an error with a cause that is a revoked proxy", () => new Error("bug", { cause: revoked({}) })],
  ["a refusal whose members throw", () => withGetters(new Refuse(403))],
  ["what can be read a few times", () => readFewTimes({ message: "bug" })],
  ["a symbol", () => Symbol("bug")],
  ["a BigInt", () => 1n],
  ["a function", () => fail],
];

function fail(): never {
  throw new Error("whoever looks at it");
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const MEMBERS = [
  "message",
  "stack",
  "name",
  "status",
  "headers",
  "toString",
  "valueOf",
  "toJSON",
  "constructor",
  "detail",
];

function withGetters(object: object): object {
  for (const name of [...MEMBERS, Symbol.toPrimitive, Symbol.toStringTag])
    Object.defineProperty(object, name, { get: fail, enumerable: true });
  return object;
}

function readFewTimes(object: Record<string, unknown>): object {
  let reads = 0;
  const get = (target: typeof object, name: string): unknown => (reads++ > 20 ? fail() : target[name]);
  return new Proxy(object, { get: get as ProxyHandler<typeof object>["get"] & {} });
}

const throwIt = (value: unknown): never => {
  throw value;
};
const ways: [how: string, (value: unknown) => never | Promise<never>][] = [
  ["is thrown", throwIt],
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- JavaScript lets them
  ["is rejected with", (value) => Promise.reject(value)],
  ["is rejected with later", async (value) => turns().then(() => throwIt(value))],
];

/** A server that writes its lines as JSON, as the default logger does. */
async function logged(
  test: TestContext,
  options: ServerOptions<unknown>,
): Promise<{ rig: Rig<unknown>; lines: (event: string) => Record<string, unknown>[] }> {
  const written: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void written.push(JSON.parse(line)) });
  const rig = await startRig<unknown>(test, { logger, ...options });
  return { rig, lines: (event) => written.filter((line) => line["event"] === event) };
}

for (const [name, make] of unreadable) {
  describe(name, () => {
    for (const [how, pass] of ways) {
      it(`that ${how} by authenticate is a 500 and one line`, async (test) => {
        const { rig, lines } = await logged(test, { authenticate: () => pass(make()) });
        assert.equal((await (await rig.dial()).handshake()).status, 500);
        assert.equal(lines("handshake-error").length, 1);
        assert.ok("err" in lines("handshake-error")[0]!);
        assert.equal(rig.server.clients.size, 0);
      });

      it(`that ${how} by a handler is 1011 and one line, and the others go on`, async (test) => {
        const { rig, lines } = await logged(test, {
          message(client, message) {
            if (message.text() === "fail") return pass(make());
            return void client.send(message);
          },
        });
        const { peer: other } = await rig.connect();
        // Of the handlers of one moment the first few are timed, and go another way than the rest.
        for (const before of [0, 20]) {
          const { peer } = await rig.connect();
          for (let i = 0; i < before; i++) await peer.echo("before");
          await peer.sendFrame(frame.text("fail"));
          await peer.expectClose(1011);
          assert.equal((await rig.nextClosed()).cause, "handler-error");
        }
        assert.equal(lines("handler-error").length, 2);
        for (const line of lines("handler-error")) assert.ok("err" in line);
        assert.equal(rig.server.pendingHandlers, 0);
        await other.echo("still here");
      });
    }

    it("that is thrown by the other callbacks of a handshake, or by `request`, harms nobody", async (test) => {
      for (const option of ["generateId", "data", "refusalBody", "request"] as const) {
        const { rig, lines } = await logged(test, { path: "/", [option]: () => throwIt(make()) });
        const isHandshake = option !== "request";
        const peer = await rig.dial();
        const answer = isHandshake
          ? await peer.handshake({ path: option === "refusalBody" ? "/other" : "/" })
          : await fetch(rig.url.replace("ws:", "http:"));
        assert.equal(answer.status, option === "refusalBody" ? 404 : 500);
        assert.equal(lines(option === "refusalBody" || !isHandshake ? "server-error" : "handshake-error").length, 1);
      }
    });
  });
}

describe("what is returned", () => {
  const broken: [name: string, make: () => unknown][] = [
    ["a revoked proxy", () => revoked({})],
    ["an object whose `then` throws when it is read", () => Object.defineProperty({}, "then", { get: fail })],
    ["a promise with a `then` that throws", () => Object.assign(Promise.resolve(), { then: fail })],
    [
      "a promise whose constructor throws when it is read",
      () => Object.defineProperty(Promise.resolve(), "constructor", { get: fail }),
    ],
  ];
  for (const [name, make] of broken) {
    it(`${name}, by authenticate, is a 500`, async (test) => {
      const { rig, lines } = await logged(test, { authenticate: () => make() });
      assert.equal((await (await rig.dial()).handshake()).status, 500);
      assert.equal(lines("handshake-error").length, 1);
    });

    it(`${name}, by a handler, is 1011`, async (test) => {
      const { rig, lines } = await logged(test, { message: () => make() });
      for (let i = 0; i < 2; i++) {
        const { peer } = await rig.connect();
        await peer.sendFrame(frame.text("x"));
        await peer.expectClose(1011);
      }
      await until(() => rig.server.clients.size === 0, "both to be gone");
      assert.equal(lines("handler-error").length, 2);
      assert.equal(rig.server.pendingHandlers, 0);
    });
  }
});
