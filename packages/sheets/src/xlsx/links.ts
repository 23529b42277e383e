// The hyperlinks of a sheet. Its part lists them after the rows, and its relationships have the
// addresses.
//
//   sheet1.xml         <hyperlink ref="B2:B9" r:id="rId3" location="Top"/>
//   sheet1.xml.rels    <Relationship Id="rId3" Type="…/hyperlink" Target="https://example.org"/>
//   the address        https://example.org#Top, of each cell from B2 to B9
import { SheetError, type Place } from "../errors.ts";
import { CellTexts } from "../cells/cell-texts.ts";
import { readPart, utf8 } from "../package/part.ts";
import { decodeString, xmlName } from "../package/xml.ts";
import { columnNumber, tagsAfterRows } from "./after-rows.ts";

const LINK = /<(?:[\w.-]+:)?hyperlink\s[^<>]*>/g;
const REFERENCE = /\sref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?["']/;
/** `r:id`, whatever its prefix. */
const RELATION = /\s[\w.-]+:id\s*=\s*(?:"([^"]*)"|'([^']*)')/;
const LOCATION = /\slocation\s*=\s*(?:"([^"]*)"|'([^']*)')/;
/** The most links of a sheet. Excel allows 66,530. */
const MOST = 250_000;
/** The most cells of a link that is stored once for each cell. */
const SMALL = 100;

const names = {
  relationship: xmlName("Relationship"),
  id: xmlName("Id"),
  type: xmlName("Type"),
  target: xmlName("Target"),
};

/** The address of a cell's link, by its row and column from 1; undefined if it has none. */
export type LinkAt = (row: number, column: number) => string | undefined;

interface LinkedRange {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly firstColumn: number;
  readonly lastColumn: number;
  readonly address: string;
}

/**
 * Reads the links of a part.
 *
 * @param addresses by the ids of the part's relationships
 * @throws SheetError if there are too many, or the part cannot be read
 */
export async function readLinks(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
  addresses: ReadonlyMap<string, string>,
): Promise<LinkAt> {
  const cells = new CellTexts();
  const ranges: LinkedRange[] = [];
  for await (const [tag] of tagsAfterRows(pieces, place, LINK)) {
    const range = rangeOf(tag, addresses);
    if (!range) continue;
    const { firstRow, lastRow, firstColumn, lastColumn, address } = range;
    if ((lastRow - firstRow + 1) * (lastColumn - firstColumn + 1) > SMALL) ranges.push(range);
    else
      for (let row = firstRow; row <= lastRow; row++)
        for (let column = firstColumn; column <= lastColumn; column++) cells.set(row, column, address);
    if (cells.size > MOST || ranges.length > SMALL)
      throw new SheetError("limit", `${place.part ?? "The sheet"} lists more than ${MOST} hyperlinks.`, place);
  }
  return (row, column) =>
    cells.at(row, column) ??
    ranges.find(
      (range) =>
        row >= range.firstRow && row <= range.lastRow && column >= range.firstColumn && column <= range.lastColumn,
    )?.address;
}

/** The words that a link of a sheet has: its tag, or the function of a formula. */
const WORDS = ["hyperlink", "HYPERLINK"] as const;

/** Reports whether a part has a word that links have, in whatever place. */
export async function mentionsLinks(pieces: AsyncIterable<Uint8Array>, place: Place): Promise<boolean> {
  let carry: Uint8Array = new Uint8Array(0);
  for await (const piece of utf8(pieces, place)) {
    const bytes = Buffer.concat([carry, piece]);
    if (WORDS.some((word) => bytes.includes(word))) return true;
    carry = bytes.subarray(1 - WORDS[0].length);
  }
  return false;
}

/** The addresses of a part's hyperlinks by the ids of its relationships. */
export async function readLinkAddresses(
  pieces: AsyncIterable<Uint8Array>,
  place: Place,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  await readPart(pieces, place, (tokens) => {
    if (!tokens.is(names.relationship) || !tokens.value(names.type)?.endsWith("/hyperlink")) return;
    found.set(tokens.value(names.id) ?? "", tokens.value(names.target) ?? "");
  });
  return found;
}

/** The cells and the address of a tag; undefined if it has no cell, or no address. */
function rangeOf(tag: string, addresses: ReadonlyMap<string, string>): LinkedRange | undefined {
  const [, left, top, right = left, bottom = top] = REFERENCE.exec(tag) ?? [];
  if (left === undefined) return undefined;
  const location = valueOf(LOCATION, tag);
  // A place in the workbook, or in the file that the address names.
  const address = (addresses.get(valueOf(RELATION, tag) ?? "") ?? "") + (location ? `#${location}` : "");
  if (address === "") return undefined;
  return {
    firstRow: Number(top),
    lastRow: Number(bottom),
    firstColumn: columnNumber(left),
    lastColumn: columnNumber(right!),
    address,
  };
}

function valueOf(attribute: RegExp, tag: string): string | undefined {
  const [, one, other] = attribute.exec(tag) ?? [];
  const value = one ?? other;
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value, "latin1");
  return decodeString(bytes, 0, bytes.length);
}
