import assert from "node:assert/strict";
import { Socket } from "node:net";
import { describe, it } from "node:test";
import { addressAt, clientAddress, proxyList } from "#hawser/server/handshake/address.js";
import { OptionError } from "#hawser/index.js";
import { resolveOptions } from "#hawser/tools.js";

describe("clientAddress, with 10.0.0.0/8, 192.0.2.7 and fd00::/8 trusted", () => {
  const proxies = proxyList(["10.0.0.0/8", "192.0.2.7", "fd00::/8"]);
  const rows: [what: string, peer: string, forwardedFor: string | undefined, expected: string][] = [
    ["no header", "10.0.0.1", undefined, "10.0.0.1"],
    ["an empty header", "10.0.0.1", "", "10.0.0.1"],
    ["a stranger's header is not believed", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a stranger that claims to be a proxy's", "203.0.113.9", "198.51.100.1, 10.0.0.1", "203.0.113.9"],
    ["one proxy", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["what the client wrote itself stands left", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    ["a client that forges the whole chain", "10.0.0.1", "1.1.1.1, 10.0.0.9, 198.51.100.1", "198.51.100.1"],
    ["two proxies", "10.0.0.1", "198.51.100.1, 10.2.3.4", "198.51.100.1"],
    ["two proxies, the client lies", "10.0.0.1", "9.9.9.9, 198.51.100.1,10.2.3.4", "198.51.100.1"],
    ["only proxies", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ["rubbish ends the walk", "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    ["rubbish behind a proxy", "10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"],
    ["nothing between commas", "10.0.0.1", "198.51.100.1,,", "10.0.0.1"],
    ["a name is no address", "10.0.0.1", "evil.example", "10.0.0.1"],
    ["an octal look-alike", "10.0.0.1", "010.0.0.1", "10.0.0.1"],
    ["with a port", "10.0.0.1", "198.51.100.1:5555", "198.51.100.1"],
    ["in brackets with a port", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"],
    ["a mapped address of a dual-stack socket", "::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["a mapped stranger", "::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a mapped hop", "10.0.0.1", "::FFFF:198.51.100.1", "198.51.100.1"],
    ["a proxy by IPv6", "fd12::1", "2001:db8::1", "2001:db8::1"],
    ["a single trusted address", "192.0.2.7", "198.51.100.1", "198.51.100.1"],
    ["its neighbour is not trusted", "192.0.2.8", "198.51.100.1", "192.0.2.8"],
    ["a socket without an address", "", "198.51.100.1", ""],
  ];
  for (const [what, peer, header, expected] of rows) {
    it(what, () => assert.equal(clientAddress(peer, header, proxies), expected));
  }
});

describe("without trusted proxies", () => {
  it("nobody's header is believed", () => {
    assert.equal(clientAddress("127.0.0.1", "198.51.100.1", proxyList([])), "127.0.0.1");
  });
});

describe("trustProxy refuses", () => {
  for (const range of [
    "",
    "example.com",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10.0.0.0/8x",
    "10.0.0/8",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/00",
    "10.0.0.0/1.5",
    "10.0.0.0/ 8",
  ])
    it(JSON.stringify(range), () => assert.throws(() => resolveOptions({ trustProxy: [range] }), OptionError));
});

describe("the address at the other end", () => {
  it("is what the socket says", () => assert.equal(addressAt({ remoteAddress: "192.0.2.1" }), "192.0.2.1"));
  it("is unix for one of Node's that has neither end's", () => assert.equal(addressAt(new Socket()), "unix"));
  it("is empty for one that is gone", () => {
    const ofTcp = Object.defineProperty(new Socket(), "localAddress", { value: "127.0.0.1" });
    for (const gone of [new Socket().destroy(), ofTcp, null, undefined]) assert.equal(addressAt(gone), "");
  });
  it("is empty for what is no socket of Node's", () => assert.equal(addressAt({ destroyed: false }), ""));
});
