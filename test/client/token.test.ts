/** Who the client is: in the hello, refreshed before it ends, and never sent again once it was refused. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LiveError } from "@hawser/client";
import { writeBye } from "@hawser/wire/server";
import { refreshAfter } from "#client/token.js";
import { Rig } from "./harness/rig.js";
import { settled } from "./harness/step-time.js";

/** Hands out a1, a2, a3… and counts. */
function counting(): { (): Promise<string>; times: number } {
  const source = (): Promise<string> => Promise.resolve(`a${++source.times}`);
  source.times = 0;
  return source;
}

describe("the token", () => {
  it("is in the hello, and used again while it is good", async () => {
    const token = counting();
    const rig = new Rig({ token });
    await rig.open({ ttl: 600_000 });
    assert.equal(rig.socket.last("hello").token, "a1");
    await rig.reopen();
    assert.equal(rig.socket.last("hello").token, "a1");
    assert.equal(token.times, 1);
  });

  it("that has ended while there was no connection is not sent", async () => {
    const rig = new Rig({ token: counting() });
    await rig.open({ ttl: 600_000 });
    rig.event("pagehide");
    await rig.time.leap(600_000);
    rig.event("pageshow");
    await rig.open();
    assert.equal(rig.socket.last("hello").token, "a2");
  });

  it("is refreshed on the live connection before it ends, again and again", async () => {
    const rig = new Rig({ token: counting() });
    await rig.open({ ttl: 600_000, ping: 10_000_000 });
    await rig.time.advance(539_999);
    assert.equal(rig.socket.all("auth").length, 0);
    await rig.time.advance(1);
    assert.equal(rig.socket.last("auth").token, "a2");
    rig.ok("auth", { ttl: 100_000 });
    await rig.time.advance(69_999);
    assert.equal(rig.socket.all("auth").length, 1);
    await rig.time.advance(1);
    assert.equal(rig.socket.last("auth").token, "a3");
    assert.equal(rig.sockets.length, 1);
  });

  it("is refreshed a tenth of its life before its end, or 30 s, but not in its first half", () => {
    assert.deepEqual(
      [3_600_000, 600_000, 300_000, 100_000, 60_000, 10_000].map(refreshAfter),
      [3_240_000, 540_000, 270_000, 70_000, 30_000, 5_000],
    );
  });

  it("that the hello was refused for is replaced at once, and never sent again", async () => {
    for (const code of ["unauthorized", "expired"]) {
      const given = ["old", "old", "new"];
      const rig = new Rig({ token: () => given.shift() ?? "new" });
      await settled();
      rig.socket.accept();
      rig.err("hello", code);
      await rig.time.advance(0);
      // The application has no other one yet.
      assert.ok(rig.state.phase === "waiting" && rig.state.why === "token");
      await rig.time.advance(2_000);
      await rig.open();
      const sent = rig.sockets.flatMap((socket) => socket.all("hello").map(({ token }) => token));
      assert.deepEqual(sent, ["old", "new"]);
    }
  });

  it("is replaced with a growing delay when the server refuses all of them", async () => {
    const rig = new Rig({ token: counting() });
    rig.random = 1;
    for (const delay of [0, 2_000, 4_000]) {
      await settled();
      rig.socket.accept();
      rig.err("hello", "unauthorized");
      const count = rig.sockets.length;
      await rig.time.advance(delay - 1);
      assert.equal(rig.sockets.length, count);
      await rig.time.advance(1);
      assert.equal(rig.sockets.length, count + 1);
    }
    assert.deepEqual(
      rig.sockets.flatMap((socket) => socket.all("hello").map(({ token }) => token)),
      ["a1", "a2", "a3"],
    );
  });

  it("4401: another one, and back at once; the old one never again", async () => {
    const given = ["old", "old", "old", "new"];
    const rig = new Rig({ token: () => given.shift() ?? "new" });
    rig.random = 1;
    await rig.open();
    await rig.time.advance(10_000);
    rig.socket.receive(writeBye("expired"));
    rig.socket.end(4401);
    await rig.time.advance(20_000);
    await rig.open();
    assert.equal(rig.socket.last("hello").token, "new");
    assert.ok(rig.sockets.length <= 2, "no handshake without a token that may do");
  });

  it("4401 for the old one, while a new one was under way: that one is used", async () => {
    const token = counting();
    const rig = new Rig({ token });
    await rig.open({ ttl: 60_000 });
    await rig.time.advance(30_000);
    assert.equal(rig.socket.last("auth").token, "a2");
    rig.socket.end(4401);
    await rig.time.advance(1_000);
    await rig.open();
    assert.equal(rig.socket.last("hello").token, "a2");
    assert.equal(token.times, 2);
  });

  it("omi#11694, claudecodeui#980, AntaREST#604, perspective#2902: 15 clients whose tokens are dead make no handshake with them twice", async () => {
    for (let client = 0; client < 15; client++) {
      const rig = new Rig({ token: () => "dead" });
      await rig.open();
      await rig.time.advance(10_000);
      rig.socket.end(4401);
      await rig.time.advance(3_600_000);
      assert.equal(rig.sockets.length, 1);
      assert.equal(rig.phase, "waiting");
    }
  });

  it("of a fixed text that is refused cannot become another one: closed", async () => {
    const rig = new Rig({ token: "only" });
    await rig.open();
    assert.equal(rig.socket.last("hello").token, "only");
    rig.socket.end(4401);
    await rig.time.advance(1_000);
    assert.deepEqual(rig.state, { phase: "closed", why: "unauthorized", code: undefined });
    assert.equal(rig.sockets.length, 1);
  });

  it("is not refreshed where there is nothing to refresh: a fixed text, and one without an end", async () => {
    for (const [token, ttl] of [
      ["only", 60_000],
      [counting(), undefined],
    ] as const) {
      const rig = new Rig({ token });
      const socket = await rig.open({ ...(ttl !== undefined && { ttl }) });
      for (let minute = 0; minute < 60; minute++) {
        await rig.time.advance(30_000);
        rig.socket.receive("{}");
      }
      assert.equal(rig.sockets.length, 1);
      assert.equal(socket.all("auth").length, 0);
      // It is still watched.
      await rig.time.advance(60_000);
      assert.equal(socket.closedBy, 1000);
    }
  });

  it("that fails to come for an attempt that was given up says nothing about the next", async () => {
    const waiting: ((error: Error) => void)[] = [];
    const rig = new Rig({ token: () => new Promise<string>((_, reject) => waiting.push(reject)) });
    await settled();
    rig.event("pagehide");
    waiting[0]!(new Error("too late"));
    await settled();
    assert.deepEqual(rig.state, { phase: "idle" });
    assert.deepEqual(rig.reported, []);
  });

  it("that is missing, and asked for: closed", async () => {
    const rig = new Rig();
    await settled();
    rig.socket.accept();
    rig.err("hello", "unauthorized");
    await rig.time.advance(0);
    assert.deepEqual(rig.state, { phase: "closed", why: "unauthorized", code: undefined });
  });

  it("null: nobody is signed in, be it at the beginning or later", async () => {
    const early = new Rig({ token: () => null });
    await settled();
    assert.deepEqual(early.state, { phase: "closed", why: "signed-out", code: undefined });
    assert.equal(early.sockets.length, 0);

    const given: (string | null)[] = ["a", null];
    const late = new Rig({ token: () => given.shift()! });
    await late.open({ ttl: 60_000 });
    await late.time.advance(30_000 - 1);
    assert.equal(late.phase, "open");
    const refused = assert.rejects(late.live.topic("room").publish(1), { code: "signed-out" });
    await late.time.advance(1);
    assert.deepEqual(late.state, { phase: "closed", why: "signed-out", code: undefined });
    await refused;
  });

  it("that cannot be had is reported, and asked for again with a growing delay", async () => {
    let times = 0;
    const rig = new Rig({
      token() {
        if (times++ < 3) throw new Error("no network");
        return "a";
      },
    });
    await settled();
    assert.ok(rig.state.phase === "waiting" && rig.state.why === "token");
    assert.equal(rig.sockets.length, 0);
    await rig.time.advance(20_000);
    await rig.open();
    assert.equal(rig.reported.length, 3);
    assert.equal(rig.phase, "open");
  });

  it("that a function gets by another hub: that one's errors are no verdict here", async () => {
    let times = 0;
    const rig = new Rig({
      token() {
        if (times++ === 0) throw new LiveError("unauthorized");
        return "a";
      },
    });
    await rig.time.advance(1_000);
    await rig.open();
    assert.equal(rig.phase, "open");
  });

  it("that does not come for 30 s counts as none", async () => {
    let times = 0;
    const rig = new Rig({ token: () => (times++ === 0 ? new Promise<string>(() => {}) : "a") });
    await rig.time.advance(29_999);
    assert.equal(rig.phase, "connecting");
    await rig.time.advance(1_001);
    await rig.open();
    assert.equal(rig.phase, "open");
  });

  it("is asked for once at a time", async () => {
    const waiting: ((token: string) => void)[] = [];
    const rig = new Rig({ token: () => new Promise<string>((resolve) => waiting.push(resolve)) });
    await settled();
    // The attempt is given up, and the next one asks as well.
    rig.event("pagehide");
    rig.event("pageshow");
    await settled();
    assert.equal(waiting.length, 1);
    waiting[0]!("a");
    await rig.open();
    assert.equal(rig.sockets.length, 1);
  });

  it("that cannot be refreshed is tried again while the connection lives", async () => {
    const given: (string | Error)[] = ["a", new Error("down"), "a", "b"];
    const rig = new Rig({
      token() {
        const next = given.shift()!;
        if (next instanceof Error) throw next;
        return next;
      },
    });
    await rig.open({ ttl: 60_000, ping: 1_000_000 });
    await rig.time.advance(30_000);
    assert.equal(String(rig.reported[0]), "Error: down");
    await rig.time.advance(5_000);
    // The second answer was the one in use, which is no news.
    assert.deepEqual(
      rig.socket.all("auth").map(({ token }) => token),
      ["b"],
    );
    rig.ok("auth", { ttl: 60_000 });
    assert.equal(rig.phase, "open");
  });

  it("that cannot be checked just then is sent again, and is not taken for refused", async () => {
    const rig = new Rig({ token: counting() });
    await rig.open({ ttl: 60_000, ping: 1_000_000 });
    await rig.time.advance(30_000);
    rig.err("auth", "unavailable", 1_000);
    await rig.time.advance(1_000);
    rig.ok("auth", { ttl: 60_000 });
    assert.deepEqual(
      rig.socket.all("auth").map(({ token }) => token),
      ["a2", "a2"],
    );
  });

  it("that is refused when it is refreshed is replaced, and never sent again", async () => {
    const given = ["a", "b", "b", "c"];
    const rig = new Rig({ token: () => given.shift()! });
    await rig.open({ ttl: 60_000, ping: 1_000_000 });
    await rig.time.advance(30_000);
    rig.err("auth", "unauthorized");
    assert.equal(String(rig.reported), "LiveError: no");
    await rig.time.advance(10_000);
    assert.deepEqual(
      rig.socket.all("auth").map(({ token }) => token),
      ["b", "c"],
    );
  });
});
