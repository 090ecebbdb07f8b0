import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blockOf, Registry } from "#hawser/server/registry.js";

const client = (id: string, address = "192.0.2.1"): { id: string; address: string } => ({ id, address });

describe("registry", () => {
  it("counts places that are reserved as taken, and gives them back", () => {
    const registry = new Registry(2, 0);
    assert.equal(registry.reserve("a"), "reserved");
    assert.equal(registry.reserve("b"), "reserved");
    assert.equal(registry.reserve("c"), "client-limit");
    registry.cancel("a");
    assert.equal(registry.reserve("c"), "reserved");
    registry.add(client("1"));
    assert.equal(registry.reserve("d"), "client-limit");
    assert.equal(registry.size, 1);
  });

  it("limits the clients of one address, those under way among them", () => {
    const registry = new Registry(100, 2);
    const address = "192.0.2.1";
    assert.equal(registry.reserve(address), "reserved");
    const one = client("1");
    registry.add(one);
    assert.equal(registry.reserve(address), "reserved");
    assert.equal(registry.reserve(address), "address-limit");
    assert.equal(registry.reserve("192.0.2.2"), "reserved");
    registry.cancel(address);
    assert.equal(registry.reserve(address), "reserved");
    registry.remove(one);
    registry.remove(one);
    assert.equal(registry.reserve(address), "reserved");
    assert.equal(registry.reserve(address), "address-limit");
  });

  it("has no limit per address with 0", () => {
    const registry = new Registry(1000, 0);
    for (let i = 0; i < 1000; i++) assert.equal(registry.reserve("192.0.2.1"), "reserved");
  });

  it("takes one IPv6 customer for one address", () => {
    const registry = new Registry(100, 1);
    assert.equal(registry.reserve("2001:db8:1:2::1"), "reserved");
    assert.equal(registry.reserve("2001:db8:1:2:ffff:ffff:ffff:ffff"), "address-limit");
    assert.equal(registry.reserve("2001:db8:1:3::1"), "reserved");
  });
});

describe("blockOf", () => {
  const rows: [address: string, block: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"],
    ["2001:db8::9", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:9::", "2001:db8:0:0::/64"],
    ["2001::4:5:6:7:8:9", "2001:0:4:5::/64"],
    ["2001::3:4:5:6:192.0.2.1", "2001:0:3:4::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::/64"],
    ["", ""],
    ["unix", "unix"],
  ];
  for (const [address, block] of rows)
    it(`${address || "nothing"} is in ${block}`, () => assert.equal(blockOf(address), block));
});
