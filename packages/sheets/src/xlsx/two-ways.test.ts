// A sheet in the spelling of the usual programs and the same sheet in another one: the fast way and
// the general way through rows and cells (rows.ts) must give the same bytes, types, flags and
// warnings.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cellName } from "../cells/reference.ts";
import { SheetError } from "../errors.ts";
import { plainRows, source, workbook } from "../test/workbook-writer.ts";
import { open } from "../workbook.ts";

const FORMATS = ["yyyy-mm-dd", "[h]:mm", "0.00"];
const STRINGS = ["plain", "", "a\nb", "ä€\u{1F600}", "x".repeat(700), '"quoted" \\', "&amp;lt; _x000D_"];

/** A cell behind its reference, with `"` around what is quoted; its texts hold none. */
const digits = fc.stringMatching(/^-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?$/);
const word = fc
  .string({
    unit: fc.constantFrom(
      "a",
      "ä",
      "€",
      "\u{1F600}",
      "\n",
      "\\",
      "\t",
      "&amp;",
      "&lt;",
      "_x0041_",
      "&#65;",
      "_",
      "]",
      ">",
      " ",
    ),
  })
  .map((text) => text.replaceAll("]]>", ""));
const style = fc.constantFrom("", "", ' s="0"', ' s="1"', ' s="2"', ' s="3"', ' s="99"');
const formula = fc.constantFrom("", "", "<f>A1+1</f>", "<f>&quot;x&quot;</f>", "<f/>");
const cell: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(style, formula, digits).map(([s, f, v]) => `${s}>${f}<v>${v}</v></c>`) },
  fc.tuple(style, fc.double({ min: 0, max: 3e6, noNaN: true })).map(([s, v]) => `${s}><v>${v}</v></c>`),
  fc.tuple(style, fc.nat(STRINGS.length)).map(([s, n]) => `${s} t="s"><v>${n % STRINGS.length}</v></c>`),
  fc.tuple(style, fc.constantFrom("0", "1")).map(([s, v]) => `${s} t="b"><v>${v}</v></c>`),
  fc.tuple(style, word).map(([s, text]) => `${s} t="inlineStr"><is><t>${text}</t></is></c>`),
  fc.tuple(style, word).map(([s, text]) => `${s} t="inlineStr"><is><t xml:space="preserve">${text}</t></is></c>`),
  fc.tuple(style, formula, word).map(([s, f, text]) => `${s} t="str">${f}<v>${text}</v></c>`),
  fc.tuple(style, fc.constantFrom("#N/A", "#DIV/0!", "nonsense")).map(([s, v]) => `${s} t="e"><v>${v}</v></c>`),
  fc.constantFrom(
    "/>",
    ' s="1"/>',
    "></c>",
    ' t="n"><v>1</v></c>',
    ' t="b"><v>2</v></c>',
    "><v>abc</v></c>",
    "><v/></c>",
    ' t="s"><v/></c>',
    ' t="d"><v>2020-01-31T24:00</v></c>',
  ),
);
const gap = fc.constantFrom(1, 1, 1, 1, 0, 2, 25, 700);
const row = fc.record({
  skip: fc.constantFrom(1, 1, 1, 1, 90, 9_000, 90_000),
  attributes: fc.constantFrom("", "", ' spans="1:3"', ' s="3" customFormat="1"', ' ht="15>"'),
  cells: fc.array(fc.tuple(gap, cell), { maxLength: 12 }),
});

/**
 * In the usual spelling, and with apostrophes, blanks within tags, and comments in places where the
 * usual programs have none.
 */
type Spelling = (xml: string) => string;
const SPELLINGS: Readonly<Record<string, Spelling>> = {
  apostrophes: (xml) => xml.replaceAll('"', "'"),
  blanks: (xml) => xml.replaceAll("<c ", "<c  ").replaceAll("<row ", "<row\n"),
  "attributes in another order": (xml) => xml.replaceAll(/<c (r="\w+")((?: [ts]="\w+")+)/g, "<c$2 $1"),
  comments: (xml) => xml.replaceAll("</v></c>", "</v><!-- - --></c>").replaceAll("</row>", "<!-- - --></row>"),
};

async function read(rows: string): Promise<unknown> {
  const strings = STRINGS.map((text) => `<si><t xml:space="preserve">${text}</t></si>`).join("");
  try {
    await using book = await open(source(workbook({ rows, strings, formats: FORMATS })));
    const found: unknown[] = [];
    for await (const batch of book.sheet().batches()) {
      found.push(...plainRows([batch]));
      batch.release();
    }
    return found;
  } catch (error) {
    if (error instanceof SheetError) return error.code;
    throw error;
  }
}

test.each(Object.entries(SPELLINGS))("the fast and the general way give the same: %s", async (_, spell) => {
  let rowsRead = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 8 }), async (rows) => {
      let number = 0;
      const xml = rows.map(({ skip, attributes, cells }) => {
        number += skip;
        let column = 0;
        const inner = cells.map(
          ([gap, content]) => `<c r="${cellName((column = Math.max(1, column + gap)), number)}"${content}`,
        );
        return `<row r="${number}"${attributes}>${inner.join("")}</row>`;
      });
      const usual = await read(xml.join(""));
      if (Array.isArray(usual)) rowsRead += usual.length;
      expect(await read(spell(xml.join("")))).toEqual(usual);
    }),
    { numRuns: 150 },
  );
  expect(rowsRead).toBeGreaterThan(100);
});
