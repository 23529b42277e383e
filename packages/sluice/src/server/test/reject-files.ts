// Reads a reject file back, for tests.
import { open } from "@sluice/sheets";

/** The values of its first sheet, row by row. */
export async function readRejects(file: ArrayBuffer): Promise<unknown[][]> {
  await using workbook = await open(new Blob([file]));
  const rows: unknown[][] = [];
  for await (const row of workbook.sheet().rows()) rows.push([...row.values]);
  return rows;
}
