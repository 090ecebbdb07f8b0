/**
 * A self-signed certificate, made when a test needs it: nothing to commit, nothing that expires, and no program but Node.
 * X.509 (RFC 5280) by hand is a page of DER; a library for it would be many.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM */
  cert: string;
  /** PEM */
  key: string;
}

/** For localhost, 127.0.0.1 and ::1, valid from yesterday until tomorrow. `name` is the subject's common name. */
export function makeCertificate(name = "localhost"): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const ecdsaWithSha256 = sequence(objectId("2a8648ce3d040302"));
  const subject = sequence(set(sequence(objectId("550403"), utf8(name))));
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    subject, // the issuer is the subject itself
    sequence(time(-1), time(1)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(sequence(objectId("551d11"), octets(alternativeNames())))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const der = sequence(toBeSigned, ecdsaWithSha256, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  return {
    cert: pem("CERTIFICATE", der),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function alternativeNames(): Buffer {
  const dns = tagged(0x82, Buffer.from("localhost"));
  const four = tagged(0x87, Buffer.of(127, 0, 0, 1));
  const six = tagged(0x87, Buffer.from([...Array<number>(15).fill(0), 1]));
  return sequence(dns, four, six);
}

/** Midnight some days from today. */
function time(days: number): Buffer {
  const day = new Date(Date.now() + days * 86_400_000).toISOString();
  return tagged(0x18, Buffer.from(`${day.slice(0, 10).replaceAll("-", "")}000000Z`));
}

// DER (X.690): a tag, a length, the contents.

function tagged(tag: number, contents: Buffer): Buffer {
  const { length } = contents;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), contents]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return tagged(0x31, part);
}

function explicit(number: number, part: Buffer): Buffer {
  return tagged(0xa0 + number, part);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function objectId(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

function utf8(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text));
}

function octets(contents: Buffer): Buffer {
  return tagged(0x04, contents);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
