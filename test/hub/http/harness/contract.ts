/** Every answer that a test gets is held against the OpenAPI document, as a stranger would who has nothing else. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { openApi } from "#hawser/hub/http/open-api.js";

interface Response {
  readonly $ref?: string;
  readonly headers?: Record<string, { schema: object }>;
  readonly content?: Record<string, { schema: object; examples?: Record<string, { value: unknown }> }>;
}

export interface Post {
  readonly requestBody: { content: Record<string, { schema: object; examples: Record<string, { value: unknown }> }> };
  readonly responses: Record<string, Response>;
}

export interface Document {
  readonly openapi: string;
  readonly servers: { url: string }[];
  readonly paths: Record<string, { post: Post }>;
  readonly components: {
    schemas: Record<string, object>;
    responses: Record<string, Response>;
    securitySchemes: object;
  };
}

export const document = openApi("/hub") as Document;

const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false, allowUnionTypes: true });
// OpenAPI has references from the root of the document.
ajv.addVocabulary(["components"]);
ajv.addSchema({ $id: "hub", components: document.components });

/** What checks a value against a schema of the document. */
export function validator(schema: object): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"hub#/')) as object);
}

export function postOf(operation: string): Post {
  const path = document.paths[`/${operation}`];
  assert.ok(path, `the document has no ${operation}`);
  return path.post;
}

export function requestValidator(operation: string): ValidateFunction {
  return validator(postOf(operation).requestBody.content["application/json"]!.schema);
}

/** @throws AssertionError where an answer is not one that the document has */
export function checkAnswer(operation: string, status: number, headers: Record<string, unknown>, body: string): void {
  const named = postOf(operation).responses[status];
  assert.ok(named, `${operation} answers ${status}, which the document does not have`);
  const response = named.$ref === undefined ? named : document.components.responses[named.$ref.split("/").at(-1)!]!;
  const type = String(headers["content-type"]);
  const content = response.content![type];
  assert.ok(content, `${operation} answers ${status} with ${type}`);
  const validate = validator(content.schema);
  assert.ok(validate(JSON.parse(body)), `${body}: ${ajv.errorsText(validate.errors)}`);
  for (const name of ["retry-after", "www-authenticate"]) {
    if (headers[name] === undefined) continue;
    const known = Object.keys(response.headers ?? {}).map((header) => header.toLowerCase());
    assert.ok(known.includes(name), `${operation} answers ${status} with ${name}`);
  }
}
