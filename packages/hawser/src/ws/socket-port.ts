import type { Duplex } from "node:stream";

/** A frame of a message, as `send` of `ws` can make it. */
export interface FrameForm {
  readonly binary: boolean;
  readonly compress: boolean;
  readonly fin: boolean;
  readonly mask: boolean;
}

/** Called when what was sent is with the kernel, or when it will not be. */
export type Written = (error?: Error) => void;

/** What a WebSocket needs of the session that it stands for. */
export interface SocketSession {
  readonly isOpen: boolean;
  /** The socket is closed. */
  readonly isGone: boolean;
  readonly isPaused: boolean;
  /** Bytes that the socket was handed and the kernel has not taken. What was sent in this turn of the event loop may not be among them. */
  readonly waitingBytes: number;
  readonly subprotocol: string;
  /** Whether permessage-deflate was agreed on. */
  readonly isCompressed: boolean;
  /** Whether it masks what it sends: it is a client's. */
  readonly isClient: boolean;
  /** The socket of Node below, or what stands for it. */
  readonly nodeSocket: Duplex;
  /** A whole message in one frame, the way that most leave. @returns whether it is on its way */
  sendMessage(payload: string | Buffer, isBinary: boolean): boolean;
  /** Any other. @returns whether it is on its way */
  sendFrame(payload: Buffer, form: FrameForm): boolean;
  /** A frame that is encoded already. @returns whether it is on its way */
  sendAsIs(frame: Buffer): boolean;
  sendPing(payload: Buffer, mask: boolean): void;
  sendPong(payload: Buffer, mask: boolean): void;
  /** Calls back once all that was sent so far has left. */
  afterWrite(written: Written): void;
  pauseReading(): void;
  resumeReading(): void;
  /** @param code 1005: none */
  closeWith(code: number, reason: string): void;
  terminate(): void;
}

/** What a session tells the WebSocket that stands for it. What these throw is the application's fault. */
export interface SocketEvents {
  message(socket: object, data: Buffer, isBinary: boolean): void;
  ping(socket: object, data: Buffer): void;
  pong(socket: object, data: Buffer): void;
  /** The peer has broken a rule. @returns whether any listener has heard of it */
  error(socket: object, error: Error): boolean;
  /** @param code the one of the peer's close frame; 1005: it had none; 1006: there was no close frame */
  closed(socket: object, code: number, reason: Buffer, wasClean: boolean): void;
}
