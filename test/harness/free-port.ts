/** A port that has to be named before somebody listens there, or that somebody listens on again after a while. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Systems give whoever connects, or asks for any port, one from 32768 on: what was free a moment ago may be taken by another test, or by the very
 * client that tries to come back to it.
 */
const [FIRST, LAST] = [16_384, 32_767];

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST + 1);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
