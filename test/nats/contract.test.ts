// The broker on NATS keeps what holds for every broker.

import { describe } from "node:test";
import { natsBroker, type NatsBrokerOptions } from "@hawser/nats";
import { sleep } from "../harness/concurrency.js";
import { brokerContract, type ContractEngine } from "../hub/broker-contract.js";
import { nats, NatsServer } from "./harness/nats-server.js";

const KEY_WINDOW_MS = 5_000;

async function engine(jetstream: boolean, options: NatsBrokerOptions): Promise<ContractEngine> {
  const server = await NatsServer.start({ jetstream });
  return {
    keyWindowMs: KEY_WINDOW_MS,
    // A busy machine is no reason to fail.
    broker: (node) =>
      natsBroker({ url: server.url, keyWindowMs: KEY_WINDOW_MS, node, timeoutMs: 20_000, jetstream, ...options }),
    pass: (ms) => sleep(ms),
    close: () => server.close(),
  };
}

describe("on one server", { skip: nats.missing }, () => {
  brokerContract("on NATS, in files", () => engine(true, { storage: "file" }));
  brokerContract("on NATS, in memory", () => engine(true, { storage: "memory" }));
  brokerContract("on NATS without JetStream", () => engine(false, {}), { history: false });
});
