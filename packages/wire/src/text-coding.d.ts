// What this package takes for granted of every runtime, besides the language. Neither Node's types nor a browser's are here, so that
// nothing else of them can be used.

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label: "utf-8", options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
