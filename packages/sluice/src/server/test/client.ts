// A client of the API for tests. Every answer is compared with docs/openapi.json: its status, its
// type and its shape.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import type { Import } from "../jobs/import.ts";
import type { Service } from "./service.ts";

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
}
interface Document {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Described>> }>>>
  >;
}

const document = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../../../docs/openapi.json"), "utf8"),
) as Document;
const ajv = new Ajv2020({ strict: false });
ajv.addSchema({ $id: "api", ...document });

/** Where a service is. */
type At = Pick<Service, "url">;

/** An answer of the API, whose body is as the document says. */
export interface ApiAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface FormOptions {
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks, and compares the answer with the document. */
export async function ask<Body = Import>(
  service: At,
  method: string,
  path: string,
  init: RequestInit = {},
): Promise<ApiAnswer<Body>> {
  const response = await fetch(service.url + path, { method, ...init });
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  const body: unknown = /json/.test(type) ? JSON.parse(text) : text;
  expectDescribed(method, path, response.status, type, body);
  return { status: response.status, headers: response.headers, body: body as Body };
}

/** @throws if the document does not say that this may be answered */
export function expectDescribed(method: string, path: string, status: number, type: string, body: unknown): void {
  const bare = path.replace(/\?.*$/s, "");
  const route = Object.keys(document.paths).find((one) =>
    new RegExp(`^${one.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(bare),
  );
  const operation = document.paths[route ?? ""]?.[method.toLowerCase()];
  if (!operation || status === 405) return;
  const described = operation.responses[String(status)];
  expect(described, `${method} ${path} answered ${status}: ${JSON.stringify(body)}`).toBeDefined();
  const [kind] = Object.keys(described!.content ?? {});
  if (kind === undefined) return;
  expect(type.split(";")[0]).toBe(kind);
  if (!kind.endsWith("json")) return;
  const pointer = `api#/paths/${route!.replaceAll("~", "~0").replaceAll("/", "~1")}/${method.toLowerCase()}/responses/${status}/content/${kind.replaceAll("/", "~1")}/schema`;
  const validate = ajv.getSchema(encodeURI(pointer).replaceAll("%7B", "{").replaceAll("%7D", "}"))!;
  expect([validate(body), validate.errors, status === 202 || status === 200 ? undefined : body]).toEqual([
    true,
    null,
    status === 202 || status === 200 ? undefined : body,
  ]);
}

/** Sends a form. */
export function send<Body = Import>(
  service: At,
  path: string,
  file: Blob | undefined,
  name: string,
  { fields = {}, headers = {} }: FormOptions = {},
): Promise<ApiAnswer<Body>> {
  const body = new FormData();
  for (const [field, values] of Object.entries(fields)) for (const value of [values].flat()) body.append(field, value);
  if (file) body.append("file", file, name);
  return ask<Body>(service, "POST", path, { body, headers });
}

/** Waits until an import is over. */
export async function ended(service: At, id: string, init: RequestInit = {}): Promise<Import> {
  for (;;) {
    const { body } = await ask(service, "GET", `/imports/${id}`, init);
    if (body.state !== "queued" && body.state !== "running") return body;
    await sleep(50);
  }
}

/** A text as a file. */
export function csv(text: string): Blob {
  return new Blob([text], { type: "text/csv" });
}

/** `people.csv` of so many rows. */
export function people(rows: number, from = 0): Blob {
  return csv(`name,age\n${Array.from({ length: rows }, (_, n) => `p${from + n},${(from + n) % 90}\n`).join("")}`);
}
