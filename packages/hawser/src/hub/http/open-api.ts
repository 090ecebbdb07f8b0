/** The OpenAPI 3.1 document, made of the table that the API itself runs on. */
import { limits } from "@hawser/wire";
import { schemaOf, type Schema } from "./fields.js";
import { type Operation, operations } from "./operations.js";
import { PROBLEM_TYPE } from "./problem.js";

const retryAfter = {
  "Retry-After": { description: "Not before so many seconds.", schema: { type: "integer", minimum: 1 } },
};
const challenge = { "WWW-Authenticate": { description: "What is missing.", schema: { type: "string" } } };

/** What can go wrong, by status: a sentence, and the headers that come with it. */
const PROBLEMS: Readonly<Record<number, { about: string; headers?: object }>> = {
  400: { about: "The body is not what it has to be." },
  401: { about: "There is no key, or a wrong one.", headers: challenge },
  403: { about: "The key is not for this operation, or the hub does not permit it.", headers: challenge },
  404: { about: "The contract has no such topic." },
  408: { about: "The body took too long." },
  409: { about: "The same is being done at this moment." },
  413: { about: "The body or the payload is too large." },
  415: { about: "The body is not application/json, or it is compressed." },
  429: { about: "Too many wrong keys, or too much at once.", headers: retryAfter },
  500: { about: "Something went wrong; the reason is known to the server alone." },
  501: { about: "The topic does not have what this needs: history or presence." },
  503: {
    about: "The hub cannot do this at the moment. It may have happened: ask again, a publish with the same key.",
    headers: retryAfter,
  },
};

const problem: Schema = {
  type: "object",
  description: "RFC 9457. Programs act on `code`: the words are those of the wire.",
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What is wrong, for a person." },
    code: { type: "string", description: "What is wrong, as a word." },
    retryMs: { type: "integer", minimum: 0, description: "Not before so many milliseconds." },
  },
  required: ["type", "title", "status", "detail", "code"],
  additionalProperties: false,
};

export function openApi(base: string): object {
  const entries = Object.entries(operations);
  return {
    openapi: "3.1.0",
    info: {
      title: "Hawser hub",
      version: "1",
      description: "Publish in topics, read their history, and say who may stay, from any language.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: base }],
    security: [{ key: [] }],
    paths: Object.fromEntries(entries.map(([name, operation]) => [`/${name}`, { post: pathOf(name, operation) }])),
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "One of the hub's keys." } },
      schemas: {
        Problem: problem,
        ...Object.fromEntries(
          entries.flatMap(([name, operation]) => [
            [`${title(name)}Request`, requestSchema(operation)],
            [`${title(name)}Answer`, operation.answer],
          ]),
        ),
      },
      responses: Object.fromEntries(
        Object.entries(PROBLEMS).map(([status, { about, headers }]) => [
          `Problem${status}`,
          {
            description: about,
            ...(headers === undefined ? {} : { headers }),
            content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        ]),
      ),
    },
  };
}

function pathOf(name: string, operation: Operation): object {
  const { summary, about, fields, examples } = operation;
  return {
    operationId: name,
    summary,
    description: about,
    ...(fields["key"] === undefined ? {} : { parameters: [idempotencyKey] }),
    requestBody: {
      required: true,
      content: {
        "application/json": content(
          `${title(name)}Request`,
          examples.map(({ request }) => request),
        ),
      },
    },
    responses: {
      200: {
        description: "Done.",
        content: {
          "application/json": content(
            `${title(name)}Answer`,
            examples.map(({ answer }) => answer),
          ),
        },
      },
      ...Object.fromEntries(
        Object.keys(PROBLEMS).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description: "As `key` in the body: with or without quotes.",
  schema: { type: "string", minLength: 1, maxLength: limits.keyBytes + 2 },
};

function requestSchema({ fields, rules }: Operation): Schema {
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])),
    required: Object.keys(fields).filter((name) => fields[name]!.isNeeded),
    additionalProperties: false,
    ...(rules.length === 0 ? {} : { allOf: rules.map(({ schema }) => schema) }),
  };
}

function content(schema: string, examples: readonly object[]): object {
  return {
    schema: { $ref: `#/components/schemas/${schema}` },
    examples: Object.fromEntries(examples.map((value, index) => [String(index + 1), { value }])),
  };
}

function title(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}
