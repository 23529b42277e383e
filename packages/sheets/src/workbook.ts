// The workbook: which sheets there are, where their parts lie, and what all of them share (strings, styles, date system).
//
// Parts are found as the format says: by relationships, from the package to the workbook and from there to the sheets. Where
// a file lacks them, the content types and then the usual names are tried. Targets may be relative, absolute, or written with `\`.
import { SheetError, type Place } from "./errors.ts";
import { resolveLimits, type Limits } from "./limits.ts";
import { readPart } from "./part.ts";
import { Sheet, type SheetParts } from "./sheet.ts";
import { SharedStrings } from "./shared-strings.ts";
import { openSource, type RandomAccess, type Source } from "./source.ts";
import { readStyles, type DateStyles } from "./styles.ts";
import { xmlName, type Tokens } from "./xml.ts";
import { Archive, type Entry } from "./zip.ts";

export interface OpenOptions {
  /** Stops reading; what is in progress fails with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Caps against hostile files; what is not given keeps its default. */
  readonly limits?: Partial<Limits>;
}

export type SheetState = "visible" | "hidden" | "veryHidden";

export interface SheetInfo {
  readonly name: string;
  /** Counted from 0; what `sheet(index)` takes. */
  readonly index: number;
  readonly state: SheetState;
}

/**
 * Opens a workbook: finds its sheets, and reads no cells yet. Dispose of it (`await using`, or `close()`) to close the file.
 * @throws {SheetError} where the file cannot be read or is no workbook
 * @example
 * await using book = await open("businesses.xlsx");
 * for await (const row of book.sheet().rows()) console.log(row.number, row.values);
 */
export async function open(source: string | URL | Blob | RandomAccess, options: OpenOptions = {}): Promise<Workbook> {
  options.signal?.throwIfAborted();
  const limits = resolveLimits(options.limits);
  const file = await openSource(source);
  try {
    const archive = await Archive.open(file, limits);
    return new Workbook(file, await readWorkbook(archive, { file: file.file }, options.signal), limits, options.signal);
  } catch (error) {
    await file.close();
    throw error;
  }
}

export class Workbook {
  readonly format = "xlsx" as const;
  /** The worksheets in the order of their tabs. Chart sheets, dialogs and macro sheets have no cells to read and are left out. */
  readonly sheets: readonly SheetInfo[];
  /** Whether dates count from 1904-01-01. */
  readonly date1904: boolean;
  readonly #source: Source;
  readonly #found: Found;
  readonly #limits: Limits;
  readonly #signal: AbortSignal | undefined;
  readonly #strings: SharedStrings;
  #styles: Promise<DateStyles> | undefined;
  #closed = false;

  /** @internal */
  constructor(source: Source, found: Found, limits: Limits, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#found = found;
    this.#limits = limits;
    this.#signal = signal;
    this.date1904 = found.date1904;
    this.sheets = found.sheets.map(({ name, state }, index) => ({ name, index, state }));
    const { archive, strings } = found;
    const place = { file: source.file, part: strings?.name };
    this.#strings = new SharedStrings(strings && archive.read(strings), place, limits);
  }

  /** A sheet by its name (as written, or else without regard to case), by its index, or the first visible one. */
  sheet(nameOrIndex?: string | number): Sheet {
    const { sheets } = this;
    const { file } = this.#source;
    const found =
      nameOrIndex === undefined
        ? (sheets.find((sheet) => sheet.state === "visible") ?? sheets[0])
        : typeof nameOrIndex === "number"
          ? sheets[nameOrIndex]
          : (sheets.find((sheet) => sheet.name === nameOrIndex) ??
            sheets.find((sheet) => sheet.name.toLowerCase() === nameOrIndex.toLowerCase()));
    if (!found) {
      if (sheets.length === 0)
        throw new SheetError("no_sheets", `${file ?? "The workbook"} has no worksheet, only charts or macros.`, {
          file,
        });
      const asked = typeof nameOrIndex === "number" ? `no sheet ${nameOrIndex}` : `no sheet "${nameOrIndex ?? ""}"`;
      const there = sheets.map(({ name, index }) => `${index} "${name}"`).join(", ");
      throw new SheetError("unknown_sheet", `${file ?? "The workbook"} has ${asked}; its sheets are ${there}.`, {
        file,
      });
    }
    return new Sheet(found, this.#parts(found));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#strings.close();
    await this.#source.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #parts(info: SheetInfo): SheetParts {
    const { archive, sheets, styles } = this.#found;
    const { file } = this.#source;
    const part = sheets[info.index]!.part;
    return {
      limits: this.#limits,
      strings: this.#strings,
      date1904: this.date1904,
      place: { file, part, sheet: info.name },
      signal: this.#signal,
      open: async (signal) => {
        if (this.#closed)
          throw new SheetError("closed", `${file ?? "The workbook"} was closed; open it again to read its sheets.`, {
            file,
            sheet: info.name,
          });
        const entry = part === undefined ? undefined : archive.find(part);
        if (!entry)
          throw new SheetError(
            "missing_part",
            `Sheet "${info.name}" is listed in the workbook, and its part ${part ?? ""} is not in the file. The file is damaged; get it again, or open and save it in Excel.`,
            { file, part, sheet: info.name },
          );
        this.#styles ??= styles
          ? readStyles(archive.read(styles), { file, part: styles.name })
          : Promise.resolve(new Uint8Array());
        return { dateStyles: await this.#styles, pieces: archive.read(entry, signal), size: entry.size };
      },
    };
  }
}

interface Relationship {
  readonly type: string;
  readonly target: string;
}

/** What the small parts say. */
export interface Found {
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

async function readWorkbook(archive: Archive, place: Place, signal: AbortSignal | undefined): Promise<Found> {
  const entry = await findWorkbook(archive, place, signal);
  const part = entry.name;
  const relationships = await readRelationships(archive, part, place, signal);
  const sheets: { name: string; state: SheetState; part: string | undefined }[] = [];
  let date1904 = false;
  let listed = 0;
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
      listed++;
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

/** `r:id`, whatever its prefix; an `id` without prefix is something else. */
function relationshipId(tokens: Tokens): string | undefined {
  return tokens.value(xmlName("r:id")) ?? tokens.value(names.rid, true);
}

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
  if (has("content.xml") && (has("mimetype") || has("META-INF/manifest.xml")))
    throw unsupported("an OpenDocument file (.ods)");
  if (has("Index/") || has("Index.zip")) throw unsupported("an Apple Numbers file");
  const what = has("word/")
    ? "a Word document"
    : has("ppt/")
      ? "a PowerPoint presentation"
      : `a zip archive without a workbook in it (it holds ${archive.names.slice(0, 5).join(", ")}${archive.names.length > 5 ? ", …" : ""})`;
  throw new SheetError("no_workbook", `${name} is ${what}; an .xlsx workbook was expected.`, { file });
}

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

/** The relationships of a part (of the package for ""), with targets as names in the archive. A part without any has none. */
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
    found.set(tokens.value(names.id) ?? "", {
      type: tokens.value(names.type) ?? "",
      target: resolve(part, target),
    });
  });
  return found;
}

/** A target as the part's relationships give it, as a name in the archive. */
function resolve(part: string, target: string): string {
  const clean = target.replaceAll("\\", "/");
  const path = clean.startsWith("/") ? [] : part.split("/").slice(0, -1);
  for (const step of clean.split("/")) {
    if (step === "..") path.pop();
    else if (step !== "" && step !== ".") path.push(step);
  }
  return path.join("/");
}
