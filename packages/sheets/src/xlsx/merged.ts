// The merged cells of a sheet, which its part lists after the rows.
import { SheetError, type Place } from "../errors.ts";
import type { MergedRange } from "../book.ts";
import { columnNumber, tagsAfterRows } from "./after-rows.ts";

const MERGED =
  /<(?:[\w.-]+:)?mergeCell\s[^<>]*?\bref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})["']/g;
/** The most merged ranges. A sheet made by people has fewer. */
const MOST = 100_000;

/** Reads the merged ranges. @throws SheetError if there are too many, or the part cannot be read */
export async function readMerged(pieces: AsyncIterable<Uint8Array>, place: Place): Promise<MergedRange[]> {
  const ranges: MergedRange[] = [];
  for await (const [, left, top, right, bottom] of tagsAfterRows(pieces, place, MERGED)) {
    ranges.push({
      firstRow: Number(top),
      lastRow: Number(bottom),
      firstColumn: columnNumber(left!),
      lastColumn: columnNumber(right!),
    });
    if (ranges.length > MOST)
      throw new SheetError("limit", `${place.part ?? "The sheet"} lists more than ${MOST} merged cells.`, place);
  }
  return ranges;
}
