// The checked-in description of the API, and what it describes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openApiDocument } from "./document.ts";

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const file = join(import.meta.dirname, "../../../../../docs/openapi.json");

test("docs/openapi.json is what the routes say (node --conditions=source scripts/openapi.ts writes it)", async () => {
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(JSON.parse(await openApiDocument()));
});

test("every reference in it leads to a schema, and every schema has its name", () => {
  const text = readFileSync(file, "utf8");
  const { openapi, components } = JSON.parse(text) as Document;
  expect(openapi).toBe("3.1.0");
  const named = new Set(Object.keys(components.schemas));
  const used = [...text.matchAll(/"\$ref": "([^"]*)"/g)].map(([, to]) => to!);
  expect(used.length).toBeGreaterThan(20);
  for (const to of used) expect(named).toContain(/^#\/components\/schemas\/(\w+)$/.exec(to)?.[1]);
  expect([...named].filter((name) => name.startsWith("def-"))).toEqual([]);
});
