import type { Violation, ViolationName } from "../protocol/violations.js";

/** What a violation is called by `ws`: the message after "Invalid WebSocket frame: ", and the code of the error. */
const names: Readonly<Record<ViolationName, readonly [message: string, code: string]>> = {
  "reserved-bits": ["RSV1 must be clear", "WS_ERR_UNEXPECTED_RSV_1"],
  "reserved-opcode": ["invalid opcode", "WS_ERR_INVALID_OPCODE"],
  "unmasked-frame": ["MASK must be set", "WS_ERR_EXPECTED_MASK"],
  "masked-frame": ["MASK must be clear", "WS_ERR_UNEXPECTED_MASK"],
  "fragmented-control": ["FIN must be set", "WS_ERR_EXPECTED_FIN"],
  "control-too-long": ["invalid payload length", "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"],
  "non-minimal-length": ["the payload length takes too many bytes", "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH"],
  "invalid-length": [
    "Unsupported WebSocket frame: payload length > 2^53 - 1",
    "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
  ],
  "unexpected-continuation": ["invalid opcode", "WS_ERR_INVALID_OPCODE"],
  "expected-continuation": ["invalid opcode", "WS_ERR_INVALID_OPCODE"],
  "invalid-close-payload": ["invalid payload length 1", "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"],
  "invalid-close-code": ["invalid status code", "WS_ERR_INVALID_CLOSE_CODE"],
  "invalid-utf8": ["invalid UTF-8 sequence", "WS_ERR_INVALID_UTF8"],
  "invalid-compressed-data": ["invalid compressed data", "Z_DATA_ERROR"],
  "message-too-big": ["Max payload size exceeded", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"],
  "too-many-empty-fragments": ["Too many message fragments", "WS_ERR_TOO_MANY_BUFFERED_PARTS"],
};

/** @param value see `Violation` */
function detailed(name: ViolationName, value: number): readonly [message: string, code: string] {
  const [message, code] = names[name];
  switch (code) {
    case "WS_ERR_UNEXPECTED_RSV_1":
      return (value & 0x3000) === 0 ? [message, code] : ["RSV2 and RSV3 must be clear", "WS_ERR_UNEXPECTED_RSV_2_3"];
    case "WS_ERR_INVALID_OPCODE":
      return [`${message} ${(value >> 8) & 0x0f}`, code];
    case "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH":
      return [`${message} ${value & 0x7f}`, code];
    case "WS_ERR_INVALID_CLOSE_CODE":
      return [`${message} ${value}`, code];
    default:
      return [message, code];
  }
}

/** Those that are no fault of a frame's form: their message stands by itself. */
// oxfmt-ignore
const WHOLE: readonly ViolationName[] = [
  "invalid-length", "message-too-big", "too-many-empty-fragments", "invalid-compressed-data",
];

/** The error that `ws` emits for it. */
export function errorOf({ name, value }: Violation): Error & { code: string } {
  const [message, code] = value === undefined ? names[name] : detailed(name, value);
  const whole = WHOLE.includes(name) ? message : `Invalid WebSocket frame: ${message}`;
  const error = code === "WS_ERR_INVALID_UTF8" || code === "Z_DATA_ERROR" ? new Error(whole) : new RangeError(whole);
  // As zlib has it.
  return Object.assign(error, code === "Z_DATA_ERROR" ? { code, errno: -3 } : { code });
}
