// Every hazard of the catalogue is read as it says; docs/hazards.md says the same.
import { join } from "node:path";
import { expect, test } from "vitest";
import { reading } from "../reading.ts";
import { hazards, page } from "./catalogue.ts";

test.each(hazards.map((hazard) => [hazard.name, hazard] as const))("%s", async (_, hazard) => {
  const { file, sheets, warnings = [], refused } = hazard;
  const found = await read(file());
  expect(found).toEqual(refused ? { refused } : { sheets, warnings });
});

test("no two hazards have one name", () => {
  const names = hazards.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
});

test("docs/hazards.md lists them all", async () => {
  await expect(page()).toMatchFileSnapshot(join(import.meta.dirname, "../../../../../docs/hazards.md"));
});

/** What the catalogue says of a hazard, as it is read. */
async function read(bytes: Uint8Array): Promise<unknown> {
  const result = await reading(bytes);
  if (typeof result === "string") return { refused: result };
  const warnings = result.sheets.flatMap(({ rows }) => rows.flatMap((row) => row.warnings));
  const sheets = result.sheets.map(({ name, state, rows }) => {
    const cells = Object.fromEntries(rows.flatMap((row) => [...row.cells()].map(({ ref, value }) => [ref, value])));
    return { name, cells, ...(state === "visible" ? {} : { state }) };
  });
  return { sheets, warnings };
}
