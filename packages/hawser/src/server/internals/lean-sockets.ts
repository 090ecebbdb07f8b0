import type { Server as NetServer } from "node:net";
import { readBuffer } from "../../protocol/mask.js";
import type { SocketOwner } from "../sockets/client-socket.js";
import { LeanSocket, type LeanSocketHome } from "./lean-socket.js";
import { type Handle, Handles } from "./node-handles.js";

interface Listener {
  onconnection(this: Listener, error: number, handle: Handle | undefined): void;
}

/** All lean sockets of a server, and what they share. */
export class LeanSockets implements LeanSocketHome {
  readonly handles: Handles;
  readonly buffer: Buffer = readBuffer();
  /** How many there are. */
  open = 0;
  /** What Node does with a connection. */
  #handOn: (error: number, handle: Handle | undefined) => void = () => {};

  private constructor(handles: Handles) {
    this.handles = handles;
  }

  /** @returns null where Node is not as expected */
  static detect(): LeanSockets | null {
    const handles = Handles.detect();
    return handles === null ? null : new LeanSockets(handles);
  }

  /**
   * Has the connections of a server that listens come to `onSocket`, and not to the server.
   * @returns false when this server listens in some other way
   */
  listen(server: NetServer, onSocket: (socket: LeanSocket) => void): boolean {
    const { _handle: listener } = server as unknown as { _handle?: Listener };
    if (typeof listener?.onconnection !== "function") return false;
    const handOn = listener.onconnection.bind(listener);
    this.#handOn = handOn;
    listener.onconnection = (error, handle) => {
      if (error !== 0 || handle === undefined || !this.handles.isTcp(handle)) handOn(error, handle);
      else onSocket(this.#open(handle));
    };
    return true;
  }

  /**
   * Connects to a server: many clients in one process, for a load generator. What is written before it is connected waits.
   * @param address of IPv4
   */
  connect(address: string, port: number, owner: SocketOwner): LeanSocket {
    const handle = this.handles.create();
    const socket = this.#open(handle);
    socket.owner = owner;
    const error = this.handles.connect(handle, address, port, (status) => socket.onConnected(status));
    if (error !== 0) socket.onConnected(error);
    return socket;
  }

  /** @internal Has the server take it as if it had just come. */
  giveBack(handle: Handle): void {
    this.open--;
    this.#handOn(0, handle);
  }

  /** @internal */
  onClosed(): void {
    this.open--;
  }

  #open(handle: Handle): LeanSocket {
    this.open++;
    return new LeanSocket(handle, this);
  }
}
