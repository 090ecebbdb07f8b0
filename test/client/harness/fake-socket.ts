import assert from "node:assert/strict";
import { readBinaryRequest, readRequest, type Request } from "@hawser/wire/server";
import type { WebSocketLike } from "@hawser/client";

type Handler<Event> = ((event: Event) => void) | null;

/** A WebSocket whose other end is the test. */
export class FakeSocket implements WebSocketLike {
  readonly url: string;
  readonly offered: string;
  protocol = "";
  binaryType = "blob";
  onopen: Handler<object> = null;
  onmessage: Handler<{ data: string | ArrayBuffer }> = null;
  onclose: Handler<{ code: number }> = null;
  onerror: Handler<object> = null;
  /** What the client sent, as the server understands it. */
  readonly sent: Request[] = [];
  /** The code with which the client closed it. */
  closedBy: number | undefined;
  state: "connecting" | "open" | "closed" = "connecting";

  constructor(url: string, offered: string) {
    this.url = url;
    this.offered = offered;
  }

  send(data: string | Uint8Array): void {
    assert.equal(this.state, "open", "it sends in an open socket alone");
    const request = typeof data === "string" ? readRequest(data) : readBinaryRequest(data);
    assert.notEqual(request.verb, "fault", JSON.stringify(request));
    this.sent.push(request as Request);
  }

  close(code?: number): void {
    if (this.state !== "closed") this.closedBy = code ?? 1005;
    this.state = "closed";
  }

  accept(protocol = this.offered): void {
    this.state = "open";
    this.protocol = protocol;
    this.onopen?.({});
  }

  receive(frame: string | Uint8Array): void {
    assert.equal(this.binaryType, "arraybuffer", "a Blob would have to be waited for");
    this.onmessage?.({ data: typeof frame === "string" ? frame : Uint8Array.from(frame).buffer });
  }

  /** The server closes it, or it breaks. */
  end(code = 1006): void {
    this.state = "closed";
    // As `ws`, whose errors are thrown when nobody listens.
    assert.ok(this.onerror !== null);
    this.onerror({});
    this.onclose?.({ code });
  }

  /** The last request of this kind. */
  last<Verb extends Request["verb"]>(verb: Verb): Extract<Request, { verb: Verb }> {
    const found = this.all(verb).at(-1);
    assert.ok(found, `it sent no ${verb}: ${JSON.stringify(this.sent)}`);
    return found;
  }

  all<Verb extends Request["verb"]>(verb: Verb): Extract<Request, { verb: Verb }>[] {
    return this.sent.filter((request) => request.verb === verb) as Extract<Request, { verb: Verb }>[];
  }
}
