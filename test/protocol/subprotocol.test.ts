import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chooseSubprotocol } from "#hawser/protocol/subprotocol.js";

describe("chooseSubprotocol", () => {
  it("goes by the server's order", () => {
    assert.equal(chooseSubprotocol(["v1", "v2", "v3"], ["v4", "v3", "v1"]), "v3");
  });

  it("chooses none when nothing is in both lists", () => {
    assert.equal(chooseSubprotocol(["v1"], ["V1"]), null);
    assert.equal(chooseSubprotocol(["v1"], []), null);
    assert.equal(chooseSubprotocol([], ["v1"]), null);
  });

  it("leaves the choice to a function, which sees the client's order", () => {
    assert.equal(
      chooseSubprotocol(["v1", "v2"], (offered) => offered.at(-1) ?? null),
      "v2",
    );
    assert.equal(
      chooseSubprotocol(["v1", "v2"], () => null),
      null,
    );
  });

  it("throws when a function chooses what was not offered", () => {
    assert.throws(() => chooseSubprotocol(["v1"], () => "v2"), /^TypeError: the chosen subprotocol "v2" is not one/);
    assert.throws(() => chooseSubprotocol([], () => ""), TypeError);
  });
});
