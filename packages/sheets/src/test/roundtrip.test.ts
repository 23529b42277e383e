// Any workbook that the test writer can write is read back as it was, whichever way its cells are
// written.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cellName } from "../cells/reference.ts";
import { Duration } from "../cells/duration.ts";
import { CellError, type CellValue } from "../cells/rows.ts";
import { readRows, workbook } from "./workbook-writer.ts";

const text = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  // Control characters have no place in XML, and half a surrogate pair has none in UTF-8.
  // eslint-disable-next-line no-control-regex
  .map((value) => value.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "").toWellFormed())
  .filter((value) => value !== "");
const day = fc.date({ min: new Date("1900-03-01"), max: new Date("9999-12-30"), noInvalidDate: true });
const value: fc.Arbitrary<CellValue> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: text },
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
  fc.integer(),
  fc.boolean(),
  day,
  fc.constantFrom("#N/A", "#DIV/0!", "#REF!").map((code) => new CellError(code)),
);

test("values that were written are read back", async () => {
  const sheet = fc.array(fc.array(value, { maxLength: 30 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sheet, fc.boolean(), fc.boolean(), async (rows, shared, references) => {
      const strings: string[] = [];
      const xml = rows.map((values, r) => {
        const cells = values.map((item, c) => {
          const ref = references ? ` r="${cellName(c + 1, r + 1)}"` : "";
          return `<c${ref}${content(item, shared, strings)}`;
        });
        return `<row${references ? ` r="${r + 1}"` : ""}>${cells.join("")}</row>`;
      });
      const bytes = workbook({ rows: xml.join(""), formats: ["yyyy-mm-dd hh:mm:ss.000"], strings: strings.join("") });
      const want = rows.flatMap((values, r) => {
        const last = values.findLastIndex((item) => item !== null) + 1;
        return last > 0 ? [{ number: r + 1, values: values.slice(0, last), width: values.length }] : [];
      });
      const found = await readRows(bytes);
      expect(found.map((row) => ({ number: row.number, values: row.values, width: row.width }))).toEqual(want);
    }),
    { numRuns: 300 },
  );
});

function content(value: CellValue, shared: boolean, strings: string[]): string {
  if (value === null) return "/>";
  if (value instanceof Date) return ` s="1"><v>${value.getTime() / 86_400_000 + 25_569}</v></c>`;
  if (value instanceof CellError) return ` t="e"><v>${value.code}</v></c>`;
  if (typeof value === "boolean") return ` t="b"><v>${value ? 1 : 0}</v></c>`;
  if (typeof value === "number") return `><v>${value}</v></c>`;
  if (value instanceof Duration) throw new Error("no durations are written here");
  const escaped = value
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replaceAll("\r", "_x000D_")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
  const item = `<t xml:space="preserve">${escaped}</t>`;
  if (!shared) return ` t="inlineStr"><is>${item}</is></c>`;
  strings.push(`<si>${item}</si>`);
  return ` t="s"><v>${strings.length - 1}</v></c>`;
}
