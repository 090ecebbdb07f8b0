/** 2: a ping is answered by a pong with the same body (RFC 6455 5.5.2); a pong nobody asked for is ignored (5.5.3). */
import { frame } from "../../harness/frames.js";
import { type Case, testCase } from "../harness/case.js";

const bytes = Buffer.from("00fffefdfcfb00ff", "hex");
const longest = Buffer.alloc(125, 0xfe);
const ten = Array.from({ length: 10 }, (_, index) => `payload-${index}`);
const tenPings = ten.map((body) => frame.ping(body));
const tenPongs = ten.map((pong) => ({ pong }));

export const pings: Case[] = [
  testCase("2.1", "a ping without a body", { send: [frame.ping()], expect: [{ pong: "" }] }),
  testCase("2.2", "a ping with text", { send: [frame.ping("Hello, world!")], expect: [{ pong: "Hello, world!" }] }),
  testCase("2.3", "a ping with bytes that are not UTF-8", { send: [frame.ping(bytes)], expect: [{ pong: bytes }] }),
  testCase("2.4", "a ping with the longest body, 125 bytes", {
    send: [frame.ping(longest)],
    expect: [{ pong: longest }],
  }),
  testCase("2.5", "a ping with 126 bytes", { send: [frame.ping(Buffer.alloc(126, 0xfe))], end: { failed: 1002 } }),
  testCase("2.6", "a ping with 125 bytes, byte by byte", {
    send: [frame.ping(longest)],
    chop: 1,
    expect: [{ pong: longest }],
  }),
  testCase("2.7", "an unsolicited pong", { send: [frame.pong()] }),
  testCase("2.8", "an unsolicited pong with a body", { send: [frame.pong("unsolicited pong")] }),
  testCase("2.9", "an unsolicited pong, then a ping", {
    send: [frame.pong("unsolicited pong"), frame.ping("ping")],
    expect: [{ pong: "ping" }],
  }),
  testCase("2.10", "ten pings: ten pongs in order", { send: tenPings, expect: tenPongs }),
  testCase("2.11", "ten pings, byte by byte", { send: tenPings, expect: tenPongs, chop: 1 }),
];
