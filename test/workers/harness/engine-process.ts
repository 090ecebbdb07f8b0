// A memory engine in a process of its own, behind its socket, as a supervisor has it. Its clock is in the test's hand.
import { EngineListener } from "#hawser/workers/channel/engine-listener.js";
import { MemoryEngine } from "#hawser/hub/brokers/memory-engine.js";
import { StepClock } from "../../harness/step-clock.js";

/** What a test may ask of it. */
export type EngineOrder = { readonly pass: number } | { readonly close: true };

const clock = new StepClock();
const listener = new EngineListener(new MemoryEngine(clock, { topicBytes: 2 ** 26, bytes: 2 ** 27 }), {
  maxWaitingBytes: 2 ** 28,
});
process.on("message", (order: EngineOrder) => void obey(order));
process.send!({ address: await listener.listen() });

async function obey(order: EngineOrder): Promise<void> {
  if ("pass" in order) {
    clock.advance(order.pass);
    process.send!({ passed: order.pass });
    return;
  }
  await listener.close();
  process.send!({ timers: clock.timers }, () => process.disconnect());
}
