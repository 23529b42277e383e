// Finds the rows below the header that are records.
//
// All of them are, except those that certainly are not. Such is a row that repeats the header or
// the title, as printed pages do; a line that is drawn with signs; a page's number; the end mark of
// old systems; a total whose numbers are the sums of those above it; and lines below the table. A
// line below the table has one cell if records fill two or more. It is at the sheet's end, and a
// blank row in front or its words say that it is a remark. So the end of a sheet is found while its
// rows stream by: a batch that ends in such a line is held back until a record follows or the sheet
// ends.
//
// The rules are stored when an import begins, so that it finds the same records when it continues.
import { CellType, SheetError, type RowBatch } from "@sluice/sheets";
import { BLANK_BEGINNINGS, mayBeBlank } from "../chunk/blank.ts";
import type { RecordBatch } from "../chunk/chunk.ts";
import { cellText } from "../values/shown.ts";
import { MergedFill, type MergedDown } from "./merged.ts";
import { DRAWN_SIGNS, isDrawn, isPageNumber, isPrinted } from "./printed.ts";
import { beginsLike, foldRepeat } from "./repeats.ts";
import { isTitleCell, type SectionRule } from "./sections.ts";
import { selectRows } from "./select.ts";

/** The rules that decide which rows are records; a part of an import's plan. */
export interface RecordRules {
  /** The first row that can be a record. */
  readonly firstRow: number;
  /** Every row is a record, except the last ones that `skipLast` names. */
  readonly all: boolean;
  /** Rows of the header, and above it, that are not records if they are repeated. */
  readonly repeated: readonly (readonly RepeatedCell[])[];
  /**
   * Texts of these rows are compared without regard to capitals, numbers of pages and words such as
   * `(continued)`. Imports that earlier versions began compare them without that.
   */
  readonly folds?: boolean;
  /**
   * A line that is drawn in each of several columns is left out: `|-----|:---:|`. Imports that
   * earlier versions began keep it as a record.
   */
  readonly drawn?: boolean;
  /**
   * Rows of the header that another table may repeat with another title in front: `2015 | Units |
   * Price`. Each is one of `repeated`. Missing if there are none such.
   */
  readonly titled?: readonly number[];
  /**
   * Cells that records usually hold; lines below the table are looked for if these are two or more.
   */
  readonly usual: number;
  /**
   * The most cells of a line of texts that is a remark or a legend, if a blank row is in front of
   * it and half of the columns hold values; missing if there are none such.
   */
  readonly texts?: number;
  /** True if blank rows separate records, so that a blank row is no sign of the table's end. */
  readonly gaps: boolean;
  /**
   * How lines of one cell are told to be the titles of sections; missing if they are records.
   * `title` is that of the first records.
   */
  readonly sections?: SectionRule & { readonly title?: string };
  /** Rows that were found to be totals. */
  readonly totals: readonly number[];
  /** Records after which the rest is left out. */
  readonly limit?: number;
  /** The number of the last rows that are not records; then no other note is about the end. */
  readonly skipLast?: number;
  /** Cells that are merged downwards, and are filled. */
  readonly merged?: readonly MergedDown[];
}

export interface RepeatedCell {
  readonly column: number;
  readonly text: string;
}

/** The reason why a row is not a record. */
export type WhyLeftOut = "repeats" | "page" | "line" | "mark" | "total" | "section" | "below" | "last";

/** Rows that are not records, for one reason. */
export interface LeftOut {
  readonly why: WhyLeftOut;
  readonly count: number;
  /** The first rows, as the sheet numbers them. */
  readonly rows: readonly number[];
  /** The text of the first of them. */
  readonly text: string;
}

/**
 * The title of another table, as it seems: a text alone above the header once more, right above it
 * or with a blank row between.
 */
export interface OtherTitle {
  readonly row: number;
  readonly text: string;
  /** The row that repeats the header, and its last column. */
  readonly header: number;
  readonly lastColumn: number;
}

/** Titles of other tables: their number, and the first of them. */
export interface OtherTitles {
  readonly count: number;
  readonly first: readonly OtherTitle[];
}

/** Rules by which every row is a record; those of imports that earlier versions began. */
export const EVERY_ROW: Omit<RecordRules, "firstRow"> = { all: true, repeated: [], usual: 0, gaps: true, totals: [] };

/** Rows of one kind that are kept by their numbers. */
const NAMED_ROWS = 20;
/** More lines than this at the end are records. */
const MOST_BELOW = 200;
/**
 * The most bytes of rows that are held back since they may be remarks, and since `skipLast` asks
 * for it.
 */
const MOST_BELOW_BYTES = 16 * 1024 ** 2;
const MOST_LAST_BYTES = 128 * 1024 ** 2;
/** Words of a sentence; a name has fewer. */
const SENTENCE = 6;
/**
 * The number of words that make a line after a number a remark. With fewer words and no full stop
 * it may be a name in a numbered list.
 */
const NUMBERED = 3;
/** Lines without a sign of remarks, after which the words of a line alone do not make it one. */
const NAMES = 3;
const SHOWN_CHARACTERS = 60;
/** Bytes of the title of a section; a longer text is a record. */
const MOST_TITLE = 500;
/** Lines of a title, one below the other; of more, the last ones count. */
const TITLE_LINES = 3;
/** Stands between them, as between the groups and names of a header. */
const TITLE_BETWEEN = " / ";
const END_MARK = 0x1a;
const NINE = 0x39;
/** The first byte of the mark with which a file begins (U+FEFF). */
const MARK = 0xef;
const SPACE = 0x20;
const LAST_ASCII = 0x7f;

/** Words and signs that remarks below a table begin with. */
const REMARK =
  /^(?:\*+|#+\s|†|‡|§|¹|²|³|©|\(?\d{1,2}[).]\s|\([a-z]\)\s|[a-z]\)\s|\[\d+\]|notes?\b|nb\b|n\.b\.|sources?\b|footnotes?\b|copyright\b|\(c\)|generated\b|printed\b|exported\b|created\b|last updated?\b|updated\b|prepared by\b|report(?:ed)? (?:date|generated|run)\b|data (?:source|as of|from)\b|for more information\b|end of\b|confidential\b|disclaimer\b|legend\b|\(?\d[\d.,]* (?:rows?|records?|lines?|zeilen|datensätze|lignes|filas|registros|righe)(?: \p{L}.*)?\)?\.?$|key:|see (?:also )?(?:note|http)|https?:|quellen?\b|anmerkung(?:en)?\b|hinweise?\b|stand:|fußnoten?\b|erstellt\b|fuentes?\b|notas?\b|elaboraci[oó]n\b|fontes?\b|fonti\b|lecture\b|champ\b|bron(?:nen)?\b|toelichting\b|źródło\b|uwag[ai]\b|zdroj\b|pozn[aá]mk[ay]\b|kilde\b|källa\b|lähde\b|kaynak\b|not:|источник\b|примечани[ея]\b|出典|注|资料来源|数据来源|資料|来源|來源|说明|說明|备注|備註|附註|※|출처|주:)/iu;

/**
 * Takes batches of rows, and gives the batches of the records. A filter is for one reading of a
 * sheet.
 */
export class RecordFilter {
  readonly #rules: RecordRules;
  readonly #totals: ReadonlySet<number>;
  /** The bytes that a repeated row may begin with, and those after it; undefined if any may be. */
  readonly #firstBytes: ByteSet;
  readonly #secondBytes: ByteSet | undefined;
  /** The ASCII characters that the second cell of such a row may begin with. */
  readonly #nextCells: ByteSet;
  readonly #fold: (text: string) => string;
  /** The repeated rows, with their texts as they are compared. */
  readonly #repeated: readonly (readonly RepeatedCell[])[];
  /** Those that may have another title in front, and their second texts by the number of bytes. */
  readonly #titled: readonly (readonly RepeatedCell[])[];
  readonly #seconds = new Map<number, string[]>();
  /** Titles in front of headers, by row, for the records below. */
  readonly #fronts = new Map<number, string>();
  readonly #found = new Map<WhyLeftOut, { count: number; rows: number[]; text: string }>();
  readonly #merged: MergedFill;
  /** Batches that end in rows which may not be records. */
  #held: RowBatch[] = [];
  #heldRows = 0;
  #heldBytes = 0;
  #lastRow = 0;
  #records = 0;
  #kept: { count: number; rows: number[]; text: string } | undefined;
  readonly #titles: OtherTitle[] = [];
  #titleCount = 0;
  /** The lines of the title that the next record is below, and whether the last row was one. */
  #section: readonly string[];
  #inTitle = false;

  constructor(rules: RecordRules) {
    this.#rules = rules;
    this.#merged = new MergedFill(rules.merged ?? []);
    this.#totals = new Set(rules.totals);
    this.#section = rules.sections?.title === undefined ? [] : [rules.sections.title];
    this.#fold = rules.folds === true ? foldRepeat : (text) => text;
    this.#repeated = rules.repeated.map((cells) =>
      cells.map(({ column, text }) => ({ column, text: this.#fold(text) })),
    );
    this.#titled = (rules.titled ?? []).map((at) => this.#repeated[at]!);
    for (const [, second] of this.#titled) {
      const size = Buffer.byteLength(second!.text);
      this.#seconds.set(size, [...(this.#seconds.get(size) ?? []), second!.text.toLowerCase()]);
    }
    const beginnings = this.#repeated.flatMap(([cell]) => (cell ? [cell.text] : []));
    this.#firstBytes = byteSet(beginnings.flatMap((text) => [...firstBytesOf(text), MARK]));
    // After an ASCII character, a letter or a digit is one byte.
    if (beginnings.every((text) => /^[ -~][a-z\d]/i.test(text)))
      this.#secondBytes = byteSet(beginnings.flatMap((text) => firstBytesOf(text.slice(1))));
    this.#nextCells = byteSet(this.#repeated.flatMap(([, cell]) => (cell ? firstBytesOf(cell.text) : [])));
  }

  /** True if the limit is reached, so that nothing more is a record. */
  get full(): boolean {
    return this.#records >= (this.#rules.limit ?? Number.POSITIVE_INFINITY);
  }

  /** The rows that were left out so far. */
  get leftOut(): LeftOut[] {
    return [...this.#found].map(([why, { count, rows, text }]) => {
      return { why, count, rows: rows.toSorted((a, b) => a - b), text };
    });
  }

  /**
   * Rows at the end that are records although they look like remarks; told when the end has been
   * reached.
   */
  get doubtful(): Omit<LeftOut, "why"> | undefined {
    return this.#kept;
  }

  /** Lines that may be titles of other tables, each in the batch of the header below it. */
  get otherTitles(): OtherTitles {
    return { count: this.#titleCount, first: this.#titles };
  }

  /** The records of a batch, and of earlier ones that were held back. */
  add(given: RowBatch): RowBatch[] {
    const rules = this.#rules;
    const batch = this.#merged.fill(given);
    const kept = rules.all ? batch : selectRows(batch, (row) => this.#isRecord(batch, row));
    if (rules.skipLast !== undefined) return this.#holdLast(kept, rules.skipLast);
    if (rules.all || rules.usual < 2) return this.#pass([kept]);
    let tail = kept.rowCount;
    while (tail > 0 && mayEnd(kept, tail - 1, rules)) tail--;
    const ready = tail > 0 || this.#heldRows > MOST_BELOW || this.#heldBytes > MOST_BELOW_BYTES ? this.#release() : [];
    if (tail === kept.rowCount) return this.#pass([...ready, kept]);
    this.#held.push(kept);
    this.#heldBytes += kept.bytes.length;
    this.#heldRows += kept.rowCount - tail;
    return this.#pass(ready);
  }

  /** The held batches, as far as they are records, when the sheet has ended. */
  end(): RowBatch[] {
    const { skipLast } = this.#rules;
    const held = this.#release();
    if (skipLast !== undefined) return this.#pass(this.#dropLast(held, skipLast));
    return this.#pass(this.#dropBelow(held));
  }

  #release(): RowBatch[] {
    const held = this.#held;
    this.#held = [];
    this.#heldRows = 0;
    this.#heldBytes = 0;
    return held;
  }

  /** Counts records, up to the limit. */
  #pass(batches: readonly RowBatch[]): RowBatch[] {
    const { limit = Number.POSITIVE_INFINITY } = this.#rules;
    const passed = batches.map((batch) => {
      this.#lastRow = batch.rowNumbers[batch.rowCount - 1] ?? this.#lastRow;
      const records = this.#rules.sections === undefined ? batch : this.#withSections(batch, this.#rules.sections);
      if (limit === Number.POSITIVE_INFINITY) return records;
      const { firstCell } = records;
      return selectRows(
        records,
        (row) => this.#records < limit && (firstCell[row] === firstCell[row + 1] || ++this.#records > 0),
      );
    });
    return passed.filter(({ rowCount }) => rowCount > 0);
  }

  /**
   * Leaves the titles of sections out, and gives each record the title that it is below. If every
   * row is a record, titles are too.
   */
  #withSections(batch: RowBatch, rule: SectionRule): RecordBatch {
    const sections = new Map<number, string>();
    let title = this.#section.join(TITLE_BETWEEN);
    const isKept = (row: number): boolean => {
      const number = batch.rowNumbers[row]!;
      for (const [front, text] of this.#fronts) {
        if (front > number) break;
        this.#section = [(title = text)];
        this.#inTitle = false;
        this.#fronts.delete(front);
      }
      const line = titleOf(batch, row, rule);
      if (line !== undefined) {
        this.#section = [...(this.#inTitle ? this.#section : []), line].slice(-TITLE_LINES);
        title = this.#section.join(TITLE_BETWEEN);
      }
      if (firstFilled(batch, row) !== undefined) this.#inTitle = line !== undefined;
      if (title !== "") sections.set(number, title);
      return line === undefined || this.#rules.all || this.#leaveOut("section", number, line);
    };
    return selectRows(batch, isKept, sections);
  }

  #isRecord(batch: RowBatch, row: number): boolean {
    const number = batch.rowNumbers[row]!;
    if (this.#totals.size > 0 && this.#totals.has(number))
      return this.#leaveOut("total", number, firstText(batch, row));
    const first = firstFilled(batch, row);
    if (first === undefined) return true;
    const second = nextFilled(batch, row, first);
    if (this.#mayRepeat(batch, first, second) && this.#beginsHeader(textOf(batch, first))) {
      const cells = cellsOf(batch, row);
      if (this.#isRepeat(cells)) {
        const title = this.#rules.sections ? undefined : this.#titleAbove(batch, row, cells);
        if (title && ++this.#titleCount <= NAMED_ROWS) this.#titles.push(title);
        return this.#leaveOut("repeats", number, cells[0]!.text);
      }
    }
    if (second !== undefined && this.#rules.drawn === true && this.#isDrawn(batch, row, first))
      return this.#leaveOut("line", number, firstText(batch, row));
    if (second !== undefined && this.#mayHaveTitle(batch, second)) {
      const cells = cellsOf(batch, row);
      if (this.#hasOtherTitle(cells)) return this.#leaveOutTitled(batch, row, cells);
    }
    // All other kinds are one cell alone, if records fill more.
    if (this.#rules.usual < 2 || second !== undefined) return true;
    const { starts, ends, bytes, types } = batch;
    if (types[first] !== CellType.string || ends[first]! - starts[first]! > SHOWN_CHARACTERS * 4) return true;
    const text = bytes.toString("utf8", starts[first], ends[first]).trim();
    if (text.charCodeAt(0) === END_MARK && text.length === 1) return this.#leaveOut("mark", number, "U+001A");
    if (isDrawn([text])) return this.#leaveOut("line", number, text);
    return isPageNumber(text) ? this.#leaveOut("page", number, text) : true;
  }

  /** Reports whether a row is a line over several columns. One byte tells it of most rows. */
  #isDrawn(batch: RowBatch, row: number, first: number): boolean {
    const { bytes, starts } = batch;
    return DRAWN_BYTES[bytes[starts[first]!]!] === 1 && isDrawn(cellsOf(batch, row).map(({ text }) => text));
  }

  /** Reports whether a header may begin with these cells. It tells most rows without a string. */
  #mayRepeat({ bytes, starts }: RowBatch, first: number, second: number | undefined): boolean {
    const start = starts[first]!;
    const byte = bytes[start]!;
    if (this.#firstBytes[byte] === 0) return false;
    if (byte !== MARK && this.#secondBytes?.[bytes[start + 1]!] === 0) return false;
    if (second === undefined) return true;
    // Blanks in front do not count, and a letter that is not ASCII may be a capital of one that is.
    const next = bytes[starts[second]!]!;
    return next <= SPACE || next > LAST_ASCII || this.#nextCells[next] === 1;
  }

  /**
   * Reports whether a row with this second cell may have a title in front of a header. It tells
   * most rows without a string. No name begins with a digit in most sheets, and most values do.
   */
  #mayHaveTitle({ bytes, starts, ends }: RowBatch, second: number): boolean {
    const [start, stop] = [starts[second]!, ends[second]!];
    const byte = bytes[start]!;
    if (this.#nextCells[byte] === 0 || byte <= NINE) return false;
    const texts = this.#seconds.get(stop - start);
    return texts !== undefined && texts.includes(bytes.toString("utf8", start, stop).toLowerCase());
  }

  /** Reports whether a header begins with this text. Few rows do, so the others need no more. */
  #beginsHeader(text: string): boolean {
    return this.#repeated.some(([first]) => first && beginsLike(text, first.text) && this.#fold(text) === first.text);
  }

  #isRepeat(cells: readonly RepeatedCell[]): boolean {
    const folded = cells.map(({ column, text }) => ({ column, text: this.#fold(text) }));
    return this.#repeated.some((header) => repeats(header, folded));
  }

  /** Reports whether cells are those of the header, but for the first one. */
  #hasOtherTitle([front, ...cells]: readonly RepeatedCell[]): boolean {
    const folded = cells.map(({ column, text }) => ({ column, text: this.#fold(text) }));
    return this.#titled.some(([title, ...names]) => title!.column === front!.column && repeats(names, folded));
  }

  /** Leaves a header out, of which the first cell is the title of the table below it. */
  #leaveOutTitled(batch: RowBatch, row: number, cells: readonly RepeatedCell[]): false {
    const number = batch.rowNumbers[row]!;
    const text = cells[0]!.text.replace("T00:00:00.000", "");
    if (this.#rules.sections) this.#fronts.set(number, text);
    else if (++this.#titleCount <= NAMED_ROWS)
      this.#titles.push({ row: number, text: shown(text), header: number, lastColumn: cells.at(-1)!.column });
    return this.#leaveOut("repeats", number, text);
  }

  /** The text right above a repeated header, unless it repeats, as titles of printed pages do. */
  #titleAbove(batch: RowBatch, row: number, header: readonly RepeatedCell[]): OtherTitle | undefined {
    const at = lastFilledRow(batch, row - 1);
    if (at < 0 || header.length < 2 || batch.rowNumbers[at]! < batch.rowNumbers[row]! - 2) return undefined;
    const above = cellsOf(batch, at);
    if (above.length !== 1 || isPrinted(above[0]!.text) || this.#isRepeat(above)) return undefined;
    const lastColumn = header.at(-1)!.column;
    return {
      row: batch.rowNumbers[at]!,
      text: shown(above[0]!.text.replace("T00:00:00.000", "")),
      header: batch.rowNumbers[row]!,
      lastColumn,
    };
  }

  #leaveOut(why: WhyLeftOut, row: number, text: string): false {
    let found = this.#found.get(why);
    if (!found) this.#found.set(why, (found = { count: 0, rows: [], text: shown(text) }));
    found.count++;
    if (found.rows.length < NAMED_ROWS) found.rows.push(row);
    return false;
  }

  /**
   * Holds back as many batches as are needed to have the last rows among them.
   * @throws SheetError (`limit`) if that takes too much memory
   */
  #holdLast(batch: RowBatch, count: number): RowBatch[] {
    this.#held.push(batch);
    this.#heldBytes += batch.bytes.length;
    const ready: RowBatch[] = [];
    let behind = this.#held.reduce((sum, held) => sum + recordsIn(held), 0);
    for (;;) {
      const [oldest] = this.#held;
      if (!oldest || behind - recordsIn(oldest) < count) break;
      behind -= recordsIn(oldest);
      this.#heldBytes -= oldest.bytes.length;
      ready.push(this.#held.shift()!);
    }
    if (this.#heldBytes > MOST_LAST_BYTES) throw tooMuchHeld(count);
    return this.#pass(ready);
  }

  #dropLast(batches: readonly RowBatch[], count: number): RowBatch[] {
    let left = count;
    return batches
      .toReversed()
      .map((batch) => {
        const gone = new Set<number>();
        for (let row = batch.rowCount - 1; row >= 0 && left > 0; row--) {
          if (batch.firstCell[row] === batch.firstCell[row + 1]) continue;
          left--;
          gone.add(row);
        }
        for (const row of gone) this.#leaveOut("last", batch.rowNumbers[row]!, firstText(batch, row));
        return selectRows(batch, (row) => !gone.has(row));
      })
      .toReversed()
      .filter(({ rowCount }) => rowCount > 0);
  }

  /**
   * Leaves out the remarks at the end: from the first line on that a blank row or its own words say
   * to be one.
   */
  #dropBelow(batches: readonly RowBatch[]): RowBatch[] {
    const lines = batches
      .flatMap((batch) =>
        Array.from({ length: batch.rowCount }, (_, row) => ({ batch, row, number: batch.rowNumbers[row]! })),
      ) // prettier-ignore
      .filter(({ batch, row }) => firstFilled(batch, row) !== undefined);
    const last = lines.findLastIndex(({ batch, row }) => loneCell(batch, row, this.#rules) === undefined);
    const tail = lines.slice(last + 1);
    let before = last < 0 ? this.#lastRow : lines[last]!.number + breaksIn(lines[last]!.batch, lines[last]!.row);
    let begin = tail.findIndex(({ batch, row, number }, n) => {
      const apart = !this.#rules.gaps && before > 0 && number > before + 1;
      before = number + breaksIn(batch, row);
      const text = loneCell(batch, row, this.#rules)!;
      // After several names, a long one is a name too.
      return apart || (n < NAMES ? isRemark(text) : isMarked(text));
    });
    const isLone = ({ batch, row }: (typeof tail)[number]): boolean =>
      nextFilled(batch, row, firstFilled(batch, row)!) === undefined;
    // A row right above a remark that is more than a name is a remark too.
    while (begin > 0 && isLone(tail[begin - 1]!) && words(firstText(tail[begin - 1]!.batch, tail[begin - 1]!.row)) > 2)
      begin--;
    const [kept, below] = begin < 0 ? [tail, []] : [tail.slice(0, begin), tail.slice(begin)];
    const doubtful = kept.filter(isLone);
    for (const { batch, row, number } of below) this.#leaveOut("below", number, firstText(batch, row));
    // Of two cells, one is missing in many a record.
    if (doubtful.length > 0 && this.#rules.usual > 2 && this.#rules.sections === undefined)
      this.#kept = {
        count: doubtful.length,
        rows: doubtful.map(({ number }) => number).slice(0, NAMED_ROWS),
        text: shown(firstText(doubtful[0]!.batch, doubtful[0]!.row)),
      };
    const gone = new Set(below.map(({ number }) => number));
    return batches
      .map((batch) => selectRows(batch, (row) => !gone.has(batch.rowNumbers[row]!)))
      .filter(({ rowCount }) => rowCount > 0);
  }
}

/** The rows of a sheet that are records, batch by batch. */
export async function* recordsOf(
  batches: AsyncIterable<RowBatch>,
  filter: RecordFilter,
): AsyncGenerator<RowBatch, void, undefined> {
  for await (const batch of batches) {
    yield* filter.add(batch);
    if (filter.full) return;
  }
  yield* filter.end();
}

/**
 * The usual number of cells with content in a record: half of the rows have at least that many. 0
 * if rows of one cell are usual.
 */
export function usualCells(counts: readonly number[]): number {
  // The last rows may be remarks already.
  const records = counts.slice(0, counts.findLastIndex((count) => count > 1) + 1);
  if (records.length === 0) return 0;
  const sorted = records.toSorted((a, b) => a - b);
  const lone = sorted.filter((count) => count < 2).length;
  return lone * 4 > sorted.length ? 0 : sorted[Math.floor(sorted.length / 2)]!;
}

/**
 * The number of line ends in the cells of a row: a row of delimited text covers that many more
 * lines.
 */
function breaksIn({ firstCell, bytes, starts, ends }: RowBatch, row: number): number {
  let breaks = 0;
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
    breaks += bytes.toString("latin1", starts[cell], ends[cell]).split("\n").length - 1;
  return breaks;
}

function tooMuchHeld(count: number): SheetError {
  return new SheetError(
    "limit",
    `--skip-last ${count} would hold back more than ${MOST_LAST_BYTES} bytes of rows in memory, since where a sheet ends is known when it has been read. ` +
      `Say where the records end instead: --limit N, or --range B2:K99.`,
  );
}

function recordsIn(batch: RowBatch): number {
  let records = 0;
  for (let row = 0; row < batch.rowCount; row++) if (batch.firstCell[row] !== batch.firstCell[row + 1]) records++;
  return records;
}

/**
 * The text of a row that holds one text alone, little else than a remark, or few cells of which
 * each is a text; undefined of any other row.
 */
function loneCell(batch: RowBatch, row: number, { usual, texts = 0 }: RecordRules): string | undefined {
  const first = firstFilled(batch, row);
  if (first === undefined || !(batch.types[first] === CellType.string || isMoment(batch, first))) return undefined;
  const text = (): string => batch.bytes.toString("utf8", batch.starts[first], batch.ends[first]).trim();
  const second = nextFilled(batch, row, first);
  if (second === undefined) return text();
  const cells = filledCells(batch, row);
  const areTexts = cells.length <= texts && cells.every((cell) => batch.types[cell] === CellType.string);
  return areTexts || (cells.length * 2 < usual && isRemark(text())) ? text() : undefined;
}

/** The title of a section, if the row is a line of one cell that is one. */
function titleOf(batch: RowBatch, row: number, rule: SectionRule): string | undefined {
  const first = firstFilled(batch, row);
  if (first === undefined || nextFilled(batch, row, first) !== undefined) return undefined;
  const { columns, types, bytes, starts, ends } = batch;
  const sort = types[first] === CellType.string ? "text" : "number";
  if (ends[first]! - starts[first]! > MOST_TITLE) return undefined;
  const text = cellText(bytes.toString("utf8", starts[first], ends[first]), types[first]!).trim();
  return isTitleCell({ column: columns[first]!, sort, text }, rule) ? text : undefined;
}

/** Whether a row may be below the table: it is blank, or a line that may be a remark. */
function mayEnd(batch: RowBatch, row: number, rules: RecordRules): boolean {
  return firstFilled(batch, row) === undefined || loneCell(batch, row, rules) !== undefined;
}

/** The cells of a row that are not blank. */
function filledCells(batch: RowBatch, row: number): number[] {
  const cells: number[] = [];
  for (let cell = firstFilled(batch, row); cell !== undefined; cell = nextFilled(batch, row, cell)) cells.push(cell);
  return cells;
}

/** Whether a cell is a date with a time of day, as reports have that of their print. */
function isMoment({ types, bytes, starts, ends }: RowBatch, cell: number): boolean {
  return types[cell] === CellType.date && !bytes.subarray(starts[cell], ends[cell]).includes("T00:00:00.000");
}

/**
 * Whether a line says of itself that it is not a record: by its first word or sign, or as a
 * sentence.
 */
function isRemark(text: string): boolean {
  return isMarked(text) || text.length > 80 || words(text) >= SENTENCE || /[。！]$/.test(text);
}

/**
 * Whether a line begins as remarks do. A number makes no remark of one or two words: `7. Rice` may
 * be a record.
 */
function isMarked(text: string): boolean {
  const numbered = /^\(?\d{1,2}[).]\s+/.exec(text)?.[0];
  if (numbered === undefined) return REMARK.test(text);
  return words(text.slice(numbered.length)) >= NUMBERED || text.endsWith(".");
}

function words(text: string): number {
  return text.split(/\s+/).length;
}

/** The first cell of a row that is not blank. */
function firstFilled(batch: RowBatch, row: number): number | undefined {
  return nextFilled(batch, row, batch.firstCell[row]! - 1);
}

/** The last row of a batch that is not blank, up to this one; -1 if there is none. */
function lastFilledRow(batch: RowBatch, from: number): number {
  let row = from;
  while (row >= 0 && firstFilled(batch, row) === undefined) row--;
  return row;
}

function nextFilled({ firstCell, bytes, starts, ends }: RowBatch, row: number, after: number): number | undefined {
  for (let cell = after + 1; cell < firstCell[row + 1]!; cell++) {
    const start = starts[cell]!;
    const end = ends[cell]!;
    if (start === end) continue;
    const byte = bytes[start]!;
    // Most cells begin with something else than a blank, or the mark of a file.
    if (byte !== MARK && (BLANK_BEGINNINGS[byte] === 0 || !mayBeBlank(bytes, start))) return cell;
    if (byte === END_MARK || bytes.toString("utf8", start, end).trim() !== "") return cell;
  }
  return undefined;
}

function firstText(batch: RowBatch, row: number): string {
  const first = firstFilled(batch, row);
  return first === undefined ? "" : batch.bytes.toString("utf8", batch.starts[first], batch.ends[first]).trim();
}

function cellsOf(batch: RowBatch, row: number): RepeatedCell[] {
  const { firstCell, columns } = batch;
  const cells: RepeatedCell[] = [];
  for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++) {
    const text = textOf(batch, cell);
    if (text !== "") cells.push({ column: columns[cell]!, text });
  }
  return cells;
}

/**
 * The text of a cell as headers are compared, without the mark of a file that was put after another
 * one.
 */
function textOf({ bytes, starts, ends }: RowBatch, cell: number): string {
  return bytes
    .toString("utf8", starts[cell], ends[cell])
    .replace(/^\uFEFF/, "")
    .trim()
    .replaceAll(/\s+/g, " ");
}

/** A set of bytes: 1 for each that is in it. */
type ByteSet = Uint8Array;

/** The bytes that a line over several columns may begin with, after blanks. */
const DRAWN_BYTES = byteSet([...` ${DRAWN_SIGNS}`].flatMap(firstBytesOf));

function byteSet(bytes: readonly number[]): ByteSet {
  const set = new Uint8Array(256);
  for (const byte of bytes) set[byte] = 1;
  return set;
}

/** The first bytes of a text, in small letters and in capitals. */
function firstBytesOf(text: string): number[] {
  if (text === "") return [];
  const first = String.fromCodePoint(text.codePointAt(0)!);
  return [first, first.toUpperCase()].map((character) => Buffer.from(character)[0]!);
}

function repeats(header: readonly RepeatedCell[], cells: readonly RepeatedCell[]): boolean {
  return (
    header.length === cells.length &&
    header.every(({ column, text }, n) => cells[n]!.column === column && cells[n]!.text === text)
  );
}

function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}
