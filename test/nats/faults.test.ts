// The broker on NATS, and a server that fails in every way there is.

import { describe } from "node:test";
import { natsBroker } from "@hawser/nats";
import { engineFaults, type EngineUnderFaults } from "../hub/engine-faults.js";
import { TcpProxy } from "../hub/harness/tcp-proxy.js";
import { nats, NatsServer } from "./harness/nats-server.js";

async function begin(): Promise<EngineUnderFaults> {
  const server = await NatsServer.start();
  const link = await TcpProxy.start(server.port);
  return {
    link,
    broker: (node) => natsBroker({ url: `nats://127.0.0.1:${link.port}`, node }),
    kill: () => server.kill(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    restartEmpty: () => server.restartEmpty(),
    backUp: () => server.backUp(),
    restartFromBackup: () => server.restartFromBackup(),
    async close() {
      await link.close();
      await server.close();
    },
  };
}

describe("on one server", { skip: nats.missing }, () => engineFaults("NATS", begin));
