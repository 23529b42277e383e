// Reads one table of OpenDocument's content.xml into rows, tag by tag. A row or a cell may be
// repeated. Empty ones, of which a sheet has millions, cost nothing. Those with a value are checked
// against the limits before they are written.
//
// A row, and the cells that come of it:
//
//  <table:table-row table:number-rows-repeated="2">                  this row and the next one
//    <table:table-cell office:value-type="float" office:value="7">   A: the number 7
//      <text:p>7.00</text:p>                                            shown as 7.00
//    </table:table-cell>
//    <table:table-cell table:number-columns-repeated="3"/>           B to D: empty
//    <table:table-cell office:value-type="string">                   E: the text
//      <text:p>a<text:s text:c="2"/>b</text:p>                          "a  b"
//    </table:table-cell>
//  </table:table-row>
//
// The attributes give the value (`office:value-type`). The text is the value only if no attribute
// gives it. Paragraphs are joined by line ends. A run of spaces counts as one, since a file writes
// more spaces as `<text:s/>`. Comments and drawings in a cell are not part of its text.
//
// The reader keeps one depth for each kind of element that it is inside of: −1 means outside. A
// close tag is recognised by its depth, so its name is not compared.
//
//   table:table         #tableDepth    the table that was asked for; others are skipped
//   table:table-row     #rowDepth      cells gather in #cells, and are written when the row ends
//   table:table-cell    #cellDepth     #cell has its attributes, #text its paragraphs
//   draw:…, text:note   #foreignDepth  inside a cell: nothing in it counts
//
// Source: OpenDocument 1.3, part 3, 9.1.2 to 9.1.5 (tables, rows, cells) and 6.1.2 (white space).
import { CellType } from "../cells/batch.ts";
import { ISO_LENGTH, writeIsoText } from "../cells/dates.ts";
import { durationText } from "../cells/duration.ts";
import { linkOfFormula } from "../cells/hyperlink.ts";
import { raised } from "../cells/superscript.ts";
import { SheetError } from "../errors.ts";
import { beyond, type Limits } from "../limits.ts";
import { parseNumber } from "../cells/number.ts";
import { cellName } from "../cells/reference.ts";
import { RowWriter } from "../cells/row-writer.ts";
import { decodeString, DEPTH_MAX, Token, tooDeep, xmlName, type Tokens } from "../package/xml.ts";

/** Facts from the parts that concern the cells of every sheet. */
export interface OdsStyles {
  /** Cell styles whose times are durations, like `[h]:mm`. */
  readonly durations: ReadonlySet<string>;
  /** Styles of texts that are superscripts. */
  readonly raised: ReadonlySet<string>;
  readonly date1904: boolean;
}

const names = {
  table: xmlName("table"),
  column: xmlName("table-column"),
  row: xmlName("table-row"),
  cell: xmlName("table-cell"),
  covered: xmlName("covered-table-cell"),
  columnsRepeated: xmlName("number-columns-repeated"),
  rowsRepeated: xmlName("number-rows-repeated"),
  styleName: xmlName("style-name"),
  defaultStyle: xmlName("default-cell-style-name"),
  type: xmlName("office:value-type"),
  extendedType: xmlName("calcext:value-type"),
  stringValue: xmlName("office:string-value"),
  formula: xmlName("formula"),
  p: xmlName("p"),
  s: xmlName("s"),
  a: xmlName("a"),
  span: xmlName("span"),
  href: xmlName("href"),
  c: xmlName("c"),
  tab: xmlName("tab"),
  lineBreak: xmlName("line-break"),
  note: xmlName("note"),
  ruby: xmlName("ruby-text"),
};

/**
 * The attribute that holds the value of each type. The text of a string may be in an attribute too.
 */
const valueNames: Readonly<Record<string, Uint8Array>> = {
  float: xmlName("office:value"),
  percentage: xmlName("office:value"),
  currency: xmlName("office:value"),
  date: xmlName("office:date-value"),
  time: xmlName("office:time-value"),
  boolean: xmlName("office:boolean-value"),
};

/**
 * The most cells that the repetitions of a row with values may produce. Nobody makes a sheet with
 * more.
 */
const REPEATED_CELLS_MAX = 2 ** 24;

/** The attributes of the cell that is being read. */
interface CellTag {
  readonly repeated: number;
  /** `office:value-type`, or `error`. */
  readonly type: string;
  /** The attribute that belongs to the type; undefined if the text is the value. */
  readonly value: string | undefined;
  readonly style: string | undefined;
  /** The cell's formula; undefined if it has none. */
  readonly formula: string | undefined;
}

/** A value, its columns, and a remark about it. */
interface Cell {
  readonly first: number;
  readonly last: number;
  readonly type: CellType;
  readonly text: string;
  readonly warning?: string;
  /** The text that it shows, if its value is not text. */
  readonly shown?: string | undefined;
  readonly link?: string | undefined;
  /** The text with Unicode's superscripts, if a part of it is one. */
  readonly raised?: string | undefined;
}

/** The parts of a table that the caller asked for. */
export interface OdsRange {
  /** First and last row. */
  readonly from: number;
  readonly to: number;
  /**
   * True if the caller asked for the texts that cells show, or for the addresses of their links.
   */
  readonly shown: boolean;
  readonly links: boolean;
  /** True if the caller asked for superscripts. */
  readonly raised: boolean;
}

/**
 * The reader of one table. The caller gives it token after token (`take`), and fetches rows
 * (`write`) after each.
 */
export class OdsReader {
  readonly writer: RowWriter;
  /** True if the table has been read, or the part of it that was asked for. */
  done = false;
  readonly #tokens: Tokens;
  readonly #styles: OdsStyles;
  readonly #limits: Limits;
  readonly #range: OdsRange;
  /** The number of tables before the one to read. */
  #before: number;
  #reading = false;
  #depth = 0;
  #tableDepth = -1;
  #rowDepth = -1;
  #cellDepth = -1;
  /** The depth at which a comment or a drawing began, while the reader is inside it. */
  #foreignDepth = -1;
  /** The last column of each group of columns, and the group's default style. */
  readonly #columns: { readonly last: number; readonly style: string | undefined }[] = [];
  /** The last row that was written or skipped. */
  #row = 0;
  #rowsRepeated = 1;
  /** The last row that still has to be filled with #cells. */
  #repeatTo = 0;
  #column = 0;
  #cells: Cell[] = [];
  /** The text of #cells, in each of the rows that they fill. */
  #rowText = 0;
  /** The text that has been given, and the most that may be. */
  #given = 0;
  readonly #textMax: number;
  #cell: CellTag | undefined;
  #text = "";
  /** The text with superscripts, and the depth of the superscript that is being read. */
  #withRaised = "";
  #raisedDepth = -1;
  /** The address of the cell's first link. */
  #link: string | undefined;
  #paragraphs = 0;
  /** True if a space here would follow another space or begin a paragraph. */
  #spaced = true;

  /**
   * Reads the table with this index. `tokens` is at the position that take() describes. `most` is
   * the number of characters that it may give. A few bytes can stand for many rows, cells or
   * spaces.
   */
  constructor(tokens: Tokens, table: number, styles: OdsStyles, limits: Limits, most: number, range: OdsRange) {
    this.#tokens = tokens;
    this.#before = table;
    this.#styles = styles;
    this.#limits = limits;
    this.#textMax = most;
    this.#range = range;
    this.writer = new RowWriter(limits);
  }

  /** Processes the token that was just read. */
  take(token: Token): void {
    const tokens = this.#tokens;
    if (token === Token.text || token === Token.cdata) {
      if (this.#paragraphs > 0 && this.#foreignDepth < 0) this.#addText(token === Token.cdata);
    } else if (token === Token.close) {
      this.#close(--this.#depth);
    } else if (token === Token.open || token === Token.empty) {
      const depth = this.#depth;
      if (token === Token.open && ++this.#depth > DEPTH_MAX) throw tooDeep(tokens.start);
      this.#open(depth);
      if (token === Token.empty) this.#close(depth);
    }
  }

  /**
   * Writes rows that have been read, until the writer is full. False if there are no more rows.
   *
   * A repeated row is written as often as it is repeated, so this may give many batches after one
   * tag.
   */
  write(): boolean {
    while (this.#row < this.#repeatTo) {
      if (this.writer.full) return true;
      const row = ++this.#row;
      if (row > this.#range.to) {
        this.done = true;
        return false;
      }
      if (row < this.#range.from) continue;
      if ((this.#given += this.#rowText) > this.#textMax) throw this.#tooMuchText(row);
      for (const { first, last, type, text, warning, shown, link, raised } of this.#cells) {
        for (let column = first; column <= last; column++) {
          this.writer.put(row, column, type, text);
          if (shown !== undefined) this.writer.show(row, column, shown);
          if (link !== undefined) this.writer.link(row, column, link);
          if (raised !== undefined) this.writer.raise(row, column, raised);
        }
        if (warning !== undefined) this.writer.warn(row, `${cellName(first, row)} ${warning}`);
      }
      this.writer.endRow(row, this.#cells.findLast(({ text }) => text !== "")?.last ?? 0);
    }
    return false;
  }

  /**
   * Takes an open tag at a depth. Which tags matter depends on what the reader is inside of, so the
   * order of the questions matters. It has more than 15 branches because it is a list of the
   * elements that matter.
   */
  #open(depth: number): void {
    const tokens = this.#tokens;
    if (this.#tableDepth < 0) {
      if (!tokens.is(names.table)) return;
      this.#tableDepth = depth;
      this.#reading = this.#before-- === 0;
    } else if (!this.#reading) {
      return;
    } else if (this.#cell) {
      this.#insideCell(depth);
    } else if (this.#rowDepth < 0 && tokens.is(names.column)) {
      const last = (this.#columns.at(-1)?.last ?? 0) + this.#count(names.columnsRepeated);
      this.#columns.push({ last, style: tokens.value(names.defaultStyle, true) });
    } else if (this.#rowDepth < 0 && tokens.is(names.row)) {
      this.#rowDepth = depth;
      this.#rowsRepeated = this.#count(names.rowsRepeated);
      this.#column = 0;
      this.#cells = [];
    } else if (this.#rowDepth >= 0 && (tokens.is(names.cell) || tokens.is(names.covered))) {
      this.#cellDepth = depth;
      const type = tokens.value(names.extendedType) === "error" ? "error" : (tokens.value(names.type) ?? "");
      this.#cell = {
        repeated: this.#count(names.columnsRepeated),
        type,
        value: tokens.value(valueNames[type] ?? names.stringValue),
        style: tokens.value(names.styleName, true),
        formula: tokens.attribute(names.formula, true) ? (tokens.value(names.formula, true) ?? "") : undefined,
      };
      this.#text = "";
      this.#withRaised = "";
      this.#link = undefined;
      this.#paragraphs = 0;
    }
  }

  #close(depth: number): void {
    if (depth === this.#raisedDepth) this.#raisedDepth = -1;
    if (depth === this.#foreignDepth) {
      this.#foreignDepth = -1;
    } else if (depth === this.#cellDepth) {
      this.#endCell(this.#cell!);
      this.#cell = undefined;
      this.#paragraphs = 0;
      this.#cellDepth = -1;
    } else if (depth === this.#rowDepth) {
      this.#endRow();
      this.#rowDepth = -1;
    } else if (depth === this.#tableDepth) {
      this.done ||= this.#reading;
      this.#tableDepth = -1;
    }
  }

  /**
   * Takes an open tag inside a cell. Only elements with the prefix `text:` belong to its text, and
   * of those not footnotes and ruby.
   */
  #insideCell(depth: number): void {
    const tokens = this.#tokens;
    if (this.#foreignDepth >= 0) return;
    const prefix = tokens.bytes.toString("latin1", tokens.start + 1, tokens.nameStart);
    if (prefix !== "text:" || tokens.is(names.note) || tokens.is(names.ruby)) {
      this.#foreignDepth = depth;
    } else if (tokens.is(names.p)) {
      if (this.#paragraphs++ > 0) {
        this.#text += "\n";
        this.#withRaised += "\n";
      }
      this.#spaced = true;
    } else if (this.#range.raised && tokens.is(names.span)) {
      if (this.#raisedDepth < 0 && this.#styles.raised.has(tokens.value(names.styleName, true) ?? ""))
        this.#raisedDepth = depth;
    } else if (tokens.is(names.a)) {
      this.#link ??= tokens.value(names.href, true);
    } else if (tokens.is(names.s)) {
      this.#add(" ".repeat(Math.min(this.#count(names.c), this.#limits.cellBytes + 1)));
    } else if (tokens.is(names.tab)) {
      this.#add("\t");
    } else if (tokens.is(names.lineBreak)) {
      this.#add("\n");
    }
  }

  /**
   * Adds text of a paragraph. A run of white space counts as one space, also if it continues from
   * the text before.
   */
  #addText(cdata: boolean): void {
    const { bytes, start, stop } = this.#tokens;
    const text = (cdata ? bytes.toString("utf8", start, stop) : decodeString(bytes, start, stop)).replaceAll(
      /[ \t\r\n]+/g,
      " ",
    );
    this.#add(this.#spaced && text.startsWith(" ") ? text.slice(1) : text);
    this.#spaced = text === "" ? this.#spaced : text.endsWith(" ");
  }

  #add(text: string): void {
    this.#text += text;
    if (this.#range.raised) this.#withRaised += this.#raisedDepth < 0 ? text : raised(text);
    this.#spaced = false;
    if (this.#text.length > this.#limits.cellBytes)
      throw new SheetError(
        "limit",
        `${this.#here()} has more than the limit cellBytes = ${this.#limits.cellBytes}; raise the limit to read it.`,
        { cell: this.#here() },
      );
  }

  #endCell(tag: CellTag): void {
    // Empty cells only move the column. So a repetition over a million columns costs nothing, and
    // the limit is compared only for a cell that has a value.
    const first = this.#column + 1;
    const last = (this.#column += tag.repeated);
    const cell = { ...this.#value(tag, first, last), ...this.#besides(tag) };
    if (cell.text === "" && cell.warning === undefined) return;
    const { columns } = this.#limits;
    if (last > columns) {
      const cell = cellName(columns + 1, this.#row + 1);
      throw new SheetError("column_out_of_range", `There is a cell ${cell}, ${beyond("columns", this.#limits)}`, {
        cell,
      });
    }
    this.#cells.push(cell);
  }

  /**
   * The value of a cell, as its type says. A value that is not of its type is read as text, with a
   * warning. It has more than 15 branches because it is a list of the types.
   */
  #value({ type, value, style, formula }: CellTag, first: number, last: number): Cell {
    const text = value ?? this.#text;
    const is = (type: CellType, text: string): Cell => ({ first, last, type, text });
    const not = (what: string): Cell => ({
      ...is(CellType.string, text),
      warning: `is not ${what}: ${JSON.stringify(text)}; it is read as text`,
    });
    switch (type) {
      case "float":
      case "percentage":
      case "currency":
        return Number.isNaN(parseNumber(Buffer.from(text), 0, text.length))
          ? not("a number")
          : is(CellType.number, text);
      case "date":
        return this.#date(text, is) ?? not("a date");
      case "time":
        return this.#time(text, style ?? this.#defaultStyle(first), is) ?? not("a time");
      case "boolean":
        return text === "true" || text === "false" ? is(CellType.boolean, text) : not("a boolean");
      case "error":
        // LibreOffice's own errors have numbers; in an .xlsx it writes #VALUE! for them.
        return is(CellType.error, this.#text.startsWith("#") ? this.#text : "#VALUE!");
      default:
        if (type === "" && text === "" && formula !== undefined)
          return {
            ...is(CellType.string, ""),
            warning:
              "is a formula without a saved value and is read as empty; open the workbook in LibreOffice and save it to have the value",
          };
        return is(CellType.string, text);
    }
  }

  /** The data that the caller asked for in addition to the value. */
  #besides({ value, type, formula }: CellTag): Pick<Cell, "shown" | "link" | "raised" | "warning"> {
    const { shown, links } = this.#range;
    const isText = value === undefined || !(type in valueNames);
    const stated = links && this.#link === undefined && formula !== undefined ? linkOfFormula(formula) : undefined;
    return {
      ...(shown && !isText && this.#text !== "" && this.#text !== value ? { shown: this.#text } : {}),
      ...(isText && this.#range.raised && this.#withRaised !== this.#text ? { raised: this.#withRaised } : {}),
      ...(stated === "computed" ? { warning: "has a link whose address is computed, so it is not kept" } : {}),
      ...(links ? { link: (typeof stated === "object" ? stated.address : this.#link) || undefined } : {}),
    };
  }

  #date(text: string, is: (type: CellType, text: string) => Cell): Cell | undefined {
    const iso = Buffer.alloc(ISO_LENGTH);
    return writeIsoText(iso, 0, text, this.#styles.date1904) ? is(CellType.date, iso.toString("latin1")) : undefined;
  }

  /**
   * Makes a date of a time of day. A time that cannot be one, or that has the format of a duration,
   * becomes a duration.
   */
  #time(value: string, style: string | undefined, is: (type: CellType, text: string) => Cell): Cell | undefined {
    const match = /^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(value);
    if (!match) return undefined;
    const [days, hours, minutes, seconds] = match.slice(2).map((field) => Number(field ?? 0)) as [
      number,
      number,
      number,
      number,
    ];
    const total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    const duration = this.#styles.durations.has(style ?? "") || match[1] === "-" || total >= 86_400;
    const milliseconds = Math.round(total * 1000);
    const text = duration ? durationText(match[1] === "-" ? -milliseconds : milliseconds) : undefined;
    if (duration) return text === undefined ? undefined : is(CellType.duration, text);
    const clock = [Math.floor(total / 3600), Math.floor(total / 60) % 60].map((n) => String(n).padStart(2, "0"));
    return this.#date(`${clock.join(":")}:${(total % 60).toFixed(3).padStart(6, "0")}`, is);
  }

  /** The style of a cell that has none: that of its column. */
  #defaultStyle(column: number): string | undefined {
    return this.#columns.find(({ last }) => column <= last)?.style;
  }

  /**
   * Ends a row: an empty one only moves the row number, and one with values is checked against the
   * limits before it is written.
   */
  #endRow(): void {
    const last = this.#row + this.#rowsRepeated;
    if (this.#cells.length === 0) {
      this.#row = last;
      this.done ||= last >= this.#range.to;
      return;
    }
    const { rows } = this.#limits;
    const cell = cellName(this.#cells[0]!.first, Math.max(this.#row, rows) + 1);
    if (last > rows)
      throw new SheetError("row_out_of_range", `There is a row ${last}, ${beyond("rows", this.#limits)}`, { cell });
    const count = this.#cells.reduce((sum, { first, last }) => sum + last - first + 1, 0) * this.#rowsRepeated;
    if (count > REPEATED_CELLS_MAX && this.#rowsRepeated > 1)
      throw new SheetError(
        "limit",
        `Row ${this.#row + 1} stands in the sheet ${this.#rowsRepeated} times, with ${count} cells in all; ${REPEATED_CELLS_MAX} are read at most.`,
        { cell: cellName(1, this.#row + 1) },
      );
    this.#rowText = this.#cells.reduce((sum, { first, last, text, shown = "", link = "", raised = "" }) => {
      return sum + (last - first + 1) * (text.length + shown.length + link.length + raised.length);
    }, 0);
    this.#repeatTo = last;
  }

  #tooMuchText(row: number): SheetError {
    return new SheetError(
      "limit",
      `The cells up to row ${row} repeat texts or spaces to more than ${this.#textMax} characters; raise the limit inflation = ${this.#limits.inflation} if you trust the file.`,
      { cell: cellName(1, row) },
    );
  }

  /** The number in an attribute of repetition; 1 if it is missing or makes no sense. */
  #count(name: Uint8Array): number {
    const count = Number(this.#tokens.value(name, true) ?? 1);
    return Number.isSafeInteger(count) && count > 0 ? count : 1;
  }

  #here(): string {
    return cellName(this.#column + 1, this.#row + 1);
  }
}
