/** Practice 10: whatever stands on a socket, one handshake is answered, once. And what asks for another upgrade is a request like others. */
import { type Check, fail, notTestable, pass } from "../check.js";
import { type Context, freshKey } from "../context.js";
import type { Peer } from "../peer.js";

const LOOK_MS = 500;

export const oneAnswer: Check = {
  practice: 10,
  name: "one-answer",
  title: "a handshake is answered once",
  does: "shakes hands, on another connection twice in one write, and counts the answers",
  advice: "let one listener answer an upgrade: two on one HTTP server write two answers into one connection",
  async run(context) {
    const [single, double] = await Promise.all([answers(context, 1), answers(context, 2)]);
    const measured = { answers: single, answersToTwo: double };
    if (single > 1) return fail(`one handshake: ${single} answers`, measured);
    if (double > 1) return fail(`a second handshake behind the first: ${double} times 101`, measured);
    return pass("one 101, also where a second handshake follows the first", measured);
  },
};

/** How many times 101 came for so many handshakes in one write. */
async function answers(context: Context, handshakes: number): Promise<number> {
  const peer = await context.connect({ isPolite: false });
  let text = "";
  peer.socket.on("data", (chunk: Buffer) => {
    if (text.length < 64 * 1024) text += chunk.toString("latin1");
  });
  await peer.request(Array.from({ length: handshakes }, () => context.handshake(freshKey())).join(""));
  await peer.ends(LOOK_MS);
  peer.destroy();
  return text.split("HTTP/1.1 101 ").length - 1;
}

/** As curl --http2 and the HTTP client of the JDK send it: RFC 7540 3.2. */
const H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n";

export const otherUpgrade: Check = {
  practice: 10,
  name: "h2c",
  title: "a request that offers another upgrade is answered as one without",
  does: "sends GET and POST requests, each with and without Upgrade: h2c",
  advice: "ignore an Upgrade that is not websocket and answer the request (RFC 9110 7.8): curl and the JDK send h2c",
  async run(context) {
    const outcomes = await Promise.all(
      ["GET", "POST"].map(async (method) => {
        const [plain, first] = await Promise.all([ask(context, method, ""), ask(context, method, H2C)]);
        // Once more: it may have been busy.
        return { method, plain, offered: first ?? (await ask(context, method, H2C)) };
      }),
    );
    const asked = outcomes.filter(({ plain }) => plain !== undefined);
    if (asked.length === 0) return notTestable("it answers no plain request");
    const measured = Object.fromEntries(
      outcomes.flatMap(({ method, plain, offered }) => [
        [`${method}Status`, plain ?? null],
        [`${method}WithUpgradeStatus`, offered ?? null],
      ]),
    );
    // 101 to h2c is HTTP/2, as it was offered.
    const other = asked.filter(({ plain, offered }) => offered !== plain && offered !== 101);
    const seen = (other.length > 0 ? other : asked)
      .map(({ method, plain, offered }) => `${method}: ${plain}, with Upgrade: h2c: ${offered ?? "no answer"}`)
      .join("; ");
    return (other.length > 0 ? fail : pass)(seen, measured);
  },
};

async function ask(context: Context, method: string, more: string): Promise<number | undefined> {
  const peer: Peer = await context.connect();
  const { path, host } = context.target;
  const length = method === "POST" ? "Content-Length: 0\r\n" : "";
  const response = await peer.request(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${length}${more}\r\n`);
  peer.destroy();
  return response?.status;
}
