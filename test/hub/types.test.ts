// What flows from the contract and from authenticate, as the compiler sees it. A line that must not compile says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { contract } from "@hawser/wire";
import { jwt } from "@hawser/jwt";
import { createServer } from "#hawser/index.js";
import { createHub, type Hub } from "#hawser/hub/index.js";
import { LogBook } from "../harness/rig.js";

const chat = contract({
  topics: {
    "room:{id}": { message: z.object({ text: z.string() }), history: { size: 1, ttlMs: 1000 } },
    "blob:{id}": { binary: true },
    news: {},
  },
  calls: {
    rename: {
      input: z.object({ name: z.string(), loud: z.boolean().default(false) }),
      output: z.object({ ok: z.boolean() }),
    },
  },
  asks: { confirm: { input: z.string(), output: z.boolean() } },
});

/** Never called: only compiled. */
function compiled(): void {
  const logger = new LogBook();
  const hub = createHub({
    logger,
    contract: chat,
    authenticate: async (token) => (token === undefined ? false : { user: token, rooms: [1] }),
    allow: {
      subscribe: ({ rooms }, topic) => topic.name === "room:{id}" && rooms.includes(Number(topic.id)),
      // @ts-expect-error a user has no such property
      publish: (user) => user.admin === true,
      presence: async (user) => user.user === "ada",
    },
    calls: {
      rename: ({ name, loud }, { user, signal }) => {
        const text: string = name;
        const flag: boolean = loud;
        return { ok: flag && text === user.user && !signal.aborted };
      },
    },
    member: ({ rooms }) => rooms.length,
  });
  void hub.publish("room:1", { text: "hi" }, { key: "k" });
  void hub.publish("blob:1", new Uint8Array());
  void hub.publish("news", [1, 2, 3]);
  void hub.broadcast(["room:1", "room:2"], { text: "hi" });
  // @ts-expect-error not what the contract says
  void hub.publish("room:1", { text: 1 });
  // @ts-expect-error bytes are wanted
  void hub.publish("blob:1", { text: "hi" });
  // @ts-expect-error no such topic
  void hub.publish("rooms:1", { text: "hi" });
  void hub.history("room:1").then(({ messages }) => messages[0]?.data.text.toUpperCase());
  void hub.ask("id", "confirm", "Leave?").then((sure: boolean) => sure);
  // @ts-expect-error no such ask
  void hub.ask("id", "refuse", "Leave?");
  hub.on("gap", (topic, why, { epoch, offset }) => [topic.length, why === "slow", epoch.length, offset + 1]);
  createHub({
    contract: chat,
    // @ts-expect-error its answer is not as the contract has it
    calls: { rename: () => ({ ok: "yes" }) },
  });
  // @ts-expect-error a user has to have an id
  createHub({ authenticate: (token) => ({ name: token }) });
  createHub({
    authenticate: jwt({ secret: "0123456789abcdef0123456789abcdef", audience: "chat" }),
    allow: {
      subscribe: ({ user, claims }) => user === claims.sub,
      // @ts-expect-error a fault is nobody
      publish: (user) => user.code === "expired",
    },
  });
  createHub({ identify: ({ path }) => ({ user: path, path }), allow: { publish: ({ path }) => path === "/" } });
  const untyped: Hub = createHub({ allow: { subscribe: (user: undefined, { topic }) => user === topic } });
  void untyped.publish("whatever", { anything: 1 });
  createServer(
    hub.serverOptions({
      data: () => ({ count: 1 }),
      open: (client) => void (client.data.count += 1),
      message: (client, message) => void hub.publish("news", message.text() + String(client.data.count)),
    }),
  );
}

test("the types are what they are", () => {
  assert.equal(typeof compiled, "function");
});
