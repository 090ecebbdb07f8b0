// Options: what is wrong or not safe is refused before anything is connected to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { redisBroker, type RedisBrokerOptions } from "@hawser/redis";
import { readRedisUrl } from "#redis/address.js";
import { clientsOf } from "#redis/clients.js";
import { readAllLive, readEntry, readLive, roomForBody, writeBody } from "#redis/envelope.js";
import { resolveRedisOptions } from "#redis/options.js";
import { Random } from "../harness/random.js";

test("a URL says where, how, who, and which database or master", () => {
  const address = (host: string, port: number) => ({ host, port });
  assert.deepEqual(readRedisUrl("redis://h"), {
    addresses: [address("h", 6379)],
    isTls: false,
    username: undefined,
    password: undefined,
    database: 0,
    masterName: undefined,
  });
  assert.deepEqual(readRedisUrl("rediss://hub:a%40b@h:1,[::1]:2,h3/7"), {
    addresses: [address("h", 1), address("::1", 2), address("h3", 6379)],
    isTls: true,
    username: "hub",
    password: "a@b",
    database: 7,
    masterName: undefined,
  });
  assert.deepEqual(readRedisUrl("redis+sentinel://:p@s1,s2:7/the%20master"), {
    addresses: [address("s1", 26_379), address("s2", 7)],
    isTls: false,
    username: undefined,
    password: "p",
    database: 0,
    masterName: "the master",
  });
  for (const wrong of [
    "",
    "h:1",
    "http://h",
    "redis://",
    "redis://h:0",
    "redis://h:65536",
    "redis://h/x",
    "redis://h,,i",
  ]) {
    assert.equal(readRedisUrl(wrong), undefined, wrong);
  }
  for (const wrong of ["redis+sentinel://h", "redis://%zz@h", "redis://h?x=1", "redis://[::1", "redis://a b"]) {
    assert.equal(readRedisUrl(wrong), undefined, wrong);
  }
});

test("another machine needs TLS and a password, or a reason", () => {
  const refused = (options: RedisBrokerOptions, message: RegExp) =>
    assert.throws(() => redisBroker(options), { name: "UsageError", message });
  refused({ url: "redis://h" }, /without TLS and a password/);
  refused({ url: "redis://u:p@h" }, /without TLS;/);
  refused({ url: "rediss://h" }, /without a password/);
  refused({ url: "redis://127.0.0.1,h" }, /without TLS and a password/);
  refused({ url: "redis+sentinel://h/m" }, /without TLS/);
  for (const url of ["redis://127.0.0.1", "redis://localhost", "redis://[::1]", "rediss://u:p@h", "rediss://:p@h"]) {
    redisBroker({ url });
  }
  redisBroker({ url: "redis://h", dangerouslyAllowInsecureUrl: "a network of our own" });
});

test("what is wrong is named, and a password is not", () => {
  const url = "redis://127.0.0.1";
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /either url or client/],
    [{ url, client: () => {} }, /either url or client/],
    [{ url, prefixes: "x" }, /no option prefixes/],
    [{ url, prefix: "a{b" }, /prefix/],
    [{ url, prefix: "" }, /prefix/],
    [{ url, keyWindowMs: 0 }, /keyWindowMs/],
    [{ url, timeoutMs: 1 }, /timeoutMs/],
    [{ url, mapAddress: 1 }, /mapAddress/],
    [{ url, dangerouslyAllowInsecureUrl: "" }, /reason/],
    [{ client: {} }, /client/],
    [{ url: 5 }, /url/],
  ];
  for (const [options, message] of wrong) assert.throws(() => redisBroker(options), { message });
  assert.throws(
    () => redisBroker({ url: "redis:/u:hunter2@h" }),
    (error: Error) => !error.message.includes("hunter2") && error.message.includes("url"),
  );
});

test("whatever bytes come, what is no message is none, and what is one is the one that was written", () => {
  const random = new Random(7);
  const epoch = "an epoch";
  const head = Buffer.alloc(15);
  head.writeUInt16BE(0x4801, 0);
  head.writeUIntBE(7, 2, 6);
  head.writeUIntBE(6, 8, 6);
  head[14] = epoch.length;
  for (let round = 0; round < 2_000; round++) {
    const content = {
      bytes: random.bytes(random.below(40)),
      binary: random.chance(50),
      by: random.chance(50) ? "ü".repeat(random.below(20)) : undefined,
      from: random.chance(50) ? "c".repeat(random.below(20)) : undefined,
    };
    const room = Buffer.alloc(5 + roomForBody(content));
    const body = room.subarray(5, writeBody(room, 5, content));
    const live = Buffer.concat([head, Buffer.from(epoch), body]);
    const { bytes, ...rest } = readLive(live)!;
    assert.ok(Buffer.from(bytes).equals(content.bytes));
    const { bytes: _, ...expected } = content;
    assert.deepEqual(rest, { offset: 7, prev: 6, epoch, stamp: body.toString("latin1", 3, 11), ...expected });
    const entry = readEntry(
      Buffer.from("7-0"),
      Buffer.concat([head.subarray(8, 14), Buffer.from("abcdefgh"), body]),
      epoch,
    )!;
    assert.deepEqual([entry.message.prev, entry.prevStamp], [6, "abcdefgh"]);
    assert.deepEqual(readAllLive(live), [readLive(live)]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(live.length);
    const several = Buffer.concat([Buffer.from("B\u0001"), length, live, length, live]);
    assert.deepEqual(readAllLive(several), [readLive(live), readLive(live)]);
    const cut = 3 + random.below(several.length - 3);
    assert.equal(readAllLive(several.subarray(0, cut)) !== undefined, cut === 6 + live.length);
    // One that names itself, or a later one, as the one before it.
    for (const prev of [7, 2 ** 48 - 5]) {
      const forged = Buffer.from(live);
      forged.writeUIntBE(prev, 8, 6);
      assert.equal(readLive(forged), undefined);
    }
    // Cut short, or changed: never an error.
    readLive(live.subarray(0, random.below(live.length)));
    live[random.below(live.length)] = random.below(256);
    readLive(live);
    readEntry(random.bytes(random.below(10)), random.bytes(random.below(60)), epoch);
  }
});

test("connections to different servers share the library's class of commands, and have their own address", () => {
  const connections = clientsOf(resolveRedisOptions({ url: "redis://hub:secret@127.0.0.1" }), "a-name");
  const clients = [1, 2].map((port) => connections.server({ host: "127.0.0.1", port }));
  assert.equal(clients[0]!.constructor, clients[1]!.constructor);
  for (const [at, { options }] of clients.entries()) {
    const { socket, ...own } = options as Record<string, unknown> & { socket: { host: string; port: number } };
    assert.deepEqual(
      [own["name"], own["username"], own["password"], socket.host, socket.port],
      ["a-name", "hub", "secret", "127.0.0.1", at + 1],
    );
  }
});
