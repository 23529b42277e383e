import { expect, test } from "vitest";
import { mentionsLinks } from "./links.ts";

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
}

const row = (cell: string): string => `<worksheet><sheetData><row r="1">${cell}</row></sheetData>`;
const plain = row('<c r="A1"><f>SUM(1)</f><v>1</v></c>');
const formula = row('<c r="A1"><f>HYPERLINK(B1)</f><v>1</v></c>');

test.each([1, 7, 40, 1000])("links of tags and of formulas are found in pieces of %i bytes", async (size) => {
  const mentions = (text: string): Promise<boolean> => mentionsLinks(pieces(text, size), {});
  expect(await mentions(`${plain}</worksheet>`)).toBe(false);
  expect(await mentions(`${formula}</worksheet>`)).toBe(true);
  expect(await mentions(`${plain}<hyperlinks><hyperlink ref="A1" location="B2"/></hyperlinks></worksheet>`)).toBe(true);
  expect(await mentions(`${plain}<x:hyperlinks/></worksheet>`)).toBe(true);
});
