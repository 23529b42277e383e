// The workbook of Office Open XML (.xlsx, .xlsm): its sheets, their parts, and the data that all
// sheets share (strings, styles, date system).
//
// The parts of a usual file, and what leads from one to the next:
//
//  _rels/.rels                  type …/officeDocument   → xl/workbook.xml
//  xl/workbook.xml              <sheet name="Q3" r:id="rId1"/>, <workbookPr date1904="1"/>
//  xl/_rels/workbook.xml.rels   rId1, type …/worksheet  → xl/worksheets/sheet1.xml
//                               type …/sharedStrings    → xl/sharedStrings.xml
//                               type …/styles           → xl/styles.xml
//  xl/worksheets/_rels/sheet1.xml.rels                    the addresses of the sheet's links
//
// Parts are found as the format says: by relationships, from the package to the workbook and from
// there to the sheets. If a file lacks them, the reader tries the content types and then the usual
// names. Targets may be relative, absolute, or written with `\`.
//
// Sources: ECMA-376, part 2 (packages, relationships, content types); part 1, 18.2.19 (`<sheet>`),
// 18.2.28 (`<workbookPr>`) and 18.17.4 (the two date systems).
import type { RowBatch } from "../cells/batch.ts";
import type { Book, Range, SheetState, MergedRange } from "../book.ts";
import { SheetError, type Place } from "../errors.ts";
import { textMax, type Limits } from "../limits.ts";
import { mentionsLinks, readLinkAddresses, readLinks, type LinkAt } from "./links.ts";
import { readMerged } from "./merged.ts";
import { readPart } from "../package/part.ts";
import { SharedStrings } from "./shared-strings.ts";
import type { Source } from "../source.ts";
import { NO_STYLES, readStyles, Shown, type Styles } from "./styles.ts";
import { readBatches } from "./pump.ts";
import { xmlName, type Tokens } from "../package/xml.ts";
import type { Archive, Entry } from "../package/zip.ts";

/**
 * Opens an .xlsx file. @throws SheetError if the archive is damaged, or does not hold a workbook
 */
export async function openXlsx(
  archive: Archive,
  source: Source,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Book> {
  return new XlsxBook(source, await readWorkbook(archive, { file: source.file }, signal), limits);
}

/** The days from 1899-12-30, the start of the 1900 system, to 1904-01-01. */
const DAYS_TO_1904 = 1462;

/**
 * An open .xlsx file. The shared strings and the styles are read once, on first use, and all reads
 * of sheets share them.
 */
class XlsxBook implements Book {
  readonly format = "xlsx";
  readonly sheets: Found["sheets"];
  readonly date1904: boolean;
  readonly #file: string | undefined;
  readonly #found: Found;
  readonly #limits: Limits;
  readonly #strings: SharedStrings;
  /** See SheetContext. */
  readonly #textMax: number;
  #styles: Promise<Styles> | undefined;

  constructor({ file, size }: Source, found: Found, limits: Limits) {
    this.#file = file;
    this.#textMax = textMax(limits, size);
    this.#found = found;
    this.#limits = limits;
    this.date1904 = found.date1904;
    this.sheets = found.sheets;
    const { archive, strings } = found;
    this.#strings = new SharedStrings(strings && archive.read(strings), { file, part: strings?.name }, limits);
  }

  place(sheet: number): Place {
    const { name, part } = this.sheets[sheet]!;
    return { file: this.#file, part, sheet: name };
  }

  async *read(
    sheet: number,
    { signal, from, to, show, links, raised }: Range,
  ): AsyncGenerator<RowBatch, void, undefined> {
    const { archive, styles, date1904 } = this.#found;
    const place = this.place(sheet);
    const { file, part } = place;
    const entry = part === undefined ? undefined : archive.find(part);
    if (!entry)
      throw new SheetError(
        "missing_part",
        `Sheet "${this.sheets[sheet]!.name}" is listed in the workbook, and its part ${part ?? ""} is not in the file. The file is damaged; get it again, or open and save it in Excel.`,
        place,
      );
    this.#styles ??= styles
      ? readStyles(archive.read(styles), { file, part: styles.name })
      : Promise.resolve(NO_STYLES);
    const { shown: dateStyles, formatOf } = await this.#styles;
    // Formats count days from the start of the 1900 system.
    const isDate = (style: number): boolean => dateStyles[style] === Shown.date;
    const shown =
      show &&
      ((value: number, style: number) =>
        show(date1904 && isDate(style) ? value + DAYS_TO_1904 : value, formatOf(style)));
    const shared = { limits: this.#limits, textMax: this.#textMax, strings: this.#strings, dateStyles, date1904 };
    const linked = links === true ? await this.#linksOf(entry, place, signal) : undefined;
    const context = { ...shared, place, from, to, show: shown, links: linked, raised };
    yield* readBatches(archive.read(entry, signal), context, signal, entry.size);
  }

  async merged(
    sheet: number,
    mostBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly MergedRange[] | undefined> {
    const place = this.place(sheet);
    const entry = place.part === undefined ? undefined : this.#found.archive.find(place.part);
    if (!entry || entry.size > mostBytes) return undefined;
    return readMerged(this.#found.archive.read(entry, signal), place);
  }

  size(sheet: number): number {
    return this.#found.archive.find(this.sheets[sheet]!.part ?? "")?.size ?? 0;
  }

  async hasLinks(sheet: number, signal: AbortSignal | undefined): Promise<boolean> {
    const place = this.place(sheet);
    const entry = this.#found.archive.find(place.part ?? "");
    return entry !== undefined && (await this.#addressesOf(entry, place, signal)).size > 0;
  }

  async mentionsLinks(sheet: number, signal: AbortSignal | undefined): Promise<boolean> {
    const place = this.place(sheet);
    const { archive } = this.#found;
    const entry = archive.find(place.part ?? "");
    return entry !== undefined && (await mentionsLinks(archive.read(entry, signal), place));
  }

  async #linksOf(entry: Entry, place: Place, signal: AbortSignal | undefined): Promise<LinkAt> {
    const addresses = await this.#addressesOf(entry, place, signal);
    return readLinks(this.#found.archive.read(entry, signal), place, addresses);
  }

  /** The addresses, by the ids of the sheet's relationships. */
  async #addressesOf(
    { name }: Entry,
    place: Place,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, string>> {
    const { archive } = this.#found;
    const slash = name.lastIndexOf("/") + 1;
    const relations = archive.find(`${name.slice(0, slash)}_rels/${name.slice(slash)}.rels`);
    if (!relations) return new Map();
    return readLinkAddresses(archive.read(relations, signal), { ...place, part: relations.name });
  }

  async close(): Promise<void> {
    await this.#strings.close();
  }
}

/** A line of a `.rels` part. */
interface Relationship {
  /** An address, of which the last step says what it is: `…/worksheet`. */
  readonly type: string;
  /** The name of the part in the archive. */
  readonly target: string;
}

/** The contents of the small parts. */
interface Found {
  readonly archive: Archive;
  readonly sheets: readonly { readonly name: string; readonly state: SheetState; readonly part: string | undefined }[];
  readonly date1904: boolean;
  readonly strings: Entry | undefined;
  readonly styles: Entry | undefined;
}

const names = {
  relationship: xmlName("Relationship"),
  id: xmlName("Id"),
  type: xmlName("Type"),
  target: xmlName("Target"),
  mode: xmlName("TargetMode"),
  override: xmlName("Override"),
  partName: xmlName("PartName"),
  contentType: xmlName("ContentType"),
  sheets: xmlName("sheets"),
  sheet: xmlName("sheet"),
  name: xmlName("name"),
  state: xmlName("state"),
  rid: xmlName("id"),
  workbookPr: xmlName("workbookPr"),
  date1904: xmlName("date1904"),
};

/**
 * Reads the workbook's part: its sheets in their order, without charts, dialogs and macros, which
 * have no cells.
 */
async function readWorkbook(archive: Archive, place: Place, signal: AbortSignal | undefined): Promise<Found> {
  const entry = await findWorkbook(archive, place, signal);
  const part = entry.name;
  const relationships = await readRelationships(archive, part, place, signal);
  const sheets: { name: string; state: SheetState; part: string | undefined }[] = [];
  let date1904 = false;
  let listed = 0;
  // The depth of `<sheets>`, so that a `<sheet>` elsewhere, as in an extension, is not taken for
  // one.
  let insideSheets = -1;
  const on = (tokens: Tokens, depth: number): void => {
    if (depth === 1 && tokens.is(names.workbookPr)) {
      date1904 = /^(1|true|on)$/.test(tokens.value(names.date1904) ?? "");
    } else if (tokens.is(names.sheets)) {
      insideSheets = depth;
    } else if (insideSheets >= 0 && tokens.is(names.sheet)) {
      const id = relationshipId(tokens);
      const relationship = relationships.get(id ?? "");
      const state = tokens.value(names.state);
      if (++listed > archive.limits.entries) throw tooMany(archive, "sheets", { ...place, part });
      // A sheet without a part is a module of Visual Basic.
      if (id === "") return;
      if (/\/(chartsheet|dialogsheet|xlMacrosheet|xlIntlMacrosheet)$/i.test(relationship?.type ?? "")) return;
      sheets.push({
        name: tokens.value(names.name) ?? `Sheet${listed}`,
        state: state === "hidden" || state === "veryHidden" ? state : "visible",
        part: relationship?.target,
      });
    }
  };
  await readPart(archive.read(entry, signal), { ...place, part }, on, (depth) => {
    if (depth === insideSheets) insideSheets = -1;
  });
  if (listed === 0)
    throw new SheetError(
      "no_sheets",
      `${place.file ?? "The workbook"} lists no sheet at all; the file is damaged or was written badly.`,
      { ...place, part },
    );
  const ofType = (kind: string): Entry | undefined => {
    const found = [...relationships.values()].find(({ type }) => type.endsWith(`/${kind}`));
    return archive.find(found?.target ?? resolve(part, `${kind}.xml`));
  };
  return { archive, sheets, date1904, strings: ofType("sharedStrings"), styles: ofType("styles") };
}

/** The error for a list that is longer than any list in an honest file. */
function tooMany({ limits }: Archive, what: string, place: Place): SheetError {
  const message = `${place.part ?? "The workbook"} lists more ${what} than an archive may have entries; the limit entries = ${limits.entries}.`;
  return new SheetError("limit", message, place);
}

/** The attribute `r:id`, whatever its prefix; an `id` without a prefix means something else. */
function relationshipId(tokens: Tokens): string | undefined {
  return tokens.value(xmlName("r:id")) ?? tokens.value(names.rid, true);
}

/**
 * The workbook's part. Tries, in this order: the package's relationships, the content types, the
 * usual names.
 *
 * @throws SheetError if all fail. The names of the parts tell what the archive is instead
 */
async function findWorkbook(archive: Archive, place: Place, signal: AbortSignal | undefined): Promise<Entry> {
  const root = await readRelationships(archive, "", place, signal);
  const main = [...root.values()].find(({ type }) => type.endsWith("/officeDocument"));
  const entry = archive.find(main?.target ?? "") ?? (await byContentType(archive, place, signal));
  const found = entry ?? archive.find("xl/workbook.xml") ?? archive.find("xl/workbook.bin");
  if (found && !/\.bin$/i.test(found.name) && !/^(word|ppt)\//i.test(found.name)) return found;
  const { file } = place;
  const name = file ?? "The file";
  const advice = `open it in Excel and save it as "Excel Workbook (.xlsx)"`;
  const unsupported = (what: string): SheetError =>
    new SheetError("unsupported_format", `${name} is ${what}, which is not read; ${advice}.`, { file });
  if (found && /\.bin$/i.test(found.name)) throw unsupported("a binary workbook (.xlsb)");
  const has = (start: string): boolean => archive.names.some((part) => part.startsWith(start));
  if (has("Index/") || has("Index.zip")) throw unsupported("an Apple Numbers file");
  const what = has("word/")
    ? "a Word document"
    : has("ppt/")
      ? "a PowerPoint presentation"
      : `a zip archive without a workbook in it (it holds ${archive.names.slice(0, 5).join(", ")}${archive.names.length > 5 ? ", …" : ""})`;
  throw new SheetError("no_workbook", `${name} is ${what}; an .xlsx workbook was expected.`, { file });
}

/** The part that the list of content types calls a workbook. */
async function byContentType(
  archive: Archive,
  place: Place,
  signal: AbortSignal | undefined,
): Promise<Entry | undefined> {
  const types = archive.find("[Content_Types].xml");
  if (!types) return undefined;
  let found: Entry | undefined;
  await readPart(archive.read(types, signal), { ...place, part: types.name }, (tokens) => {
    if (found || !tokens.is(names.override)) return;
    if (/(sheet|template)(\.macroEnabled)?\.main\+xml$/i.test(tokens.value(names.contentType) ?? ""))
      found = archive.find(tokens.value(names.partName) ?? "");
  });
  return found;
}

/**
 * The relationships of a part (of the package for ""), with targets as names in the archive. The
 * list may be empty.
 */
async function readRelationships(
  archive: Archive,
  part: string,
  place: Place,
  signal: AbortSignal | undefined,
): Promise<Map<string, Relationship>> {
  const slash = part.lastIndexOf("/") + 1;
  const entry = archive.find(`${part.slice(0, slash)}_rels/${part.slice(slash)}.rels`);
  const found = new Map<string, Relationship>();
  if (!entry) return found;
  await readPart(archive.read(entry, signal), { ...place, part: entry.name }, (tokens) => {
    if (!tokens.is(names.relationship) || tokens.value(names.mode) === "External") return;
    const target = tokens.value(names.target);
    if (target === undefined) return;
    if (found.size > archive.limits.entries) throw tooMany(archive, "relationships", { ...place, part: entry.name });
    found.set(tokens.value(names.id) ?? "", {
      type: tokens.value(names.type) ?? "",
      target: resolve(part, target),
    });
  });
  return found;
}

/**
 * The name in the archive for a target that the part's relationships give. In `xl/workbook.xml`,
 * `worksheets/a.xml`, `/xl/worksheets/a.xml` and `..\xl\worksheets\a.xml` are the same.
 */
function resolve(part: string, target: string): string {
  const clean = target.replaceAll("\\", "/");
  const path = clean.startsWith("/") ? [] : part.split("/").slice(0, -1);
  for (const step of clean.split("/")) {
    if (step === "..") path.pop();
    else if (step !== "" && step !== ".") path.push(step);
  }
  return path.join("/");
}
