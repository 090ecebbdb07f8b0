import { fieldKinds, nestsDeeperThan } from "@hawser/wire/server";
import { checkFields } from "./fields.js";
import { jsonMembers } from "./json-members.js";
import { type Body, type Operation, PAYLOAD_DEPTH } from "./operations.js";
import { badRequest, type Problem } from "./problem.js";

/** From the text of a body to its fields. */
export function parseBody(
  { fields, rules }: Operation,
  text: string,
  idempotencyKey: string | undefined,
): Body | Problem {
  // First of all: JSON.parse takes a hundred times as long for what nests without end. The body itself is one level.
  if (nestsDeeperThan(text, PAYLOAD_DEPTH + 1)) {
    return badRequest(`a payload nests at most ${PAYLOAD_DEPTH} deep`, "too-big");
  }
  const given = parse(text);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return badRequest("the body has to be one JSON object");
  }
  const written = jsonMembers(text);
  if (written === undefined) return badRequest("the body has a field twice");
  const fault = checkFields(fields, given as Body["values"]);
  if (fault !== undefined) return badRequest(fault.sentence, fault.code);
  const values = fields["key"] === undefined ? given : withKey(given, idempotencyKey);
  if (values === "both") return badRequest("key and the header Idempotency-Key are not the same");
  if (values === "unfit") return badRequest(`Idempotency-Key has to be ${fieldKinds.key.what}`);
  const broken = rules.find(({ isBroken }) => isBroken(values as Body["values"]));
  if (broken !== undefined) return badRequest(broken.sentence);
  return { values: values as Body["values"], written };
}

/** The header's key takes the place of the body's. */
function withKey(given: object & { key?: unknown }, header: string | undefined): object | "both" | "unfit" {
  if (header === undefined) return given;
  // The draft of the IETF has it in quotes, and most clients do not.
  const key = /^"(?<quoted>[^"\\]*)"$/.exec(header)?.groups?.["quoted"] ?? header;
  if (fieldKinds.key.check(key) !== undefined) return "unfit";
  if (given.key !== undefined && given.key !== key) return "both";
  return { ...given, key };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
