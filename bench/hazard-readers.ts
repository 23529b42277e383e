// Reads workbooks with one reader, all cells of all sheets, and prints a line of JSON for each:
// `hazard-readers.ts NAME FILE…`, started by hazards.ts. Exit code 3: there is no such reader here.
import { existsSync, createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { open } from "@sluice/sheets";

/** Number, text, boolean, error, date (ISO, UTC), time (as a share of a day). */
export type Cell = readonly ["n" | "s" | "b" | "e" | "d" | "t", string | number | boolean];
export interface Outcome {
  readonly sheets?: readonly { readonly name: string; readonly cells: Readonly<Record<string, Cell>> }[];
  readonly error?: string;
}
type Sheets = { name: string; cells: Record<string, Cell> }[];

const peers = createRequire(join(import.meta.dirname, "peers", "package.json"));
// No type of the peers is needed beyond these.
interface ExcelJs {
  Workbook: new () => {
    xlsx: { readFile(file: string): Promise<unknown> };
    eachSheet(each: (sheet: ExcelJsSheet) => void): void;
  };
}
interface ExcelJsSheet {
  name: string;
  eachRow(each: (row: { eachCell(each: (cell: ExcelJsCell) => void): void }) => void): void;
}
interface ExcelJsCell {
  address: string;
  value: unknown;
  isMerged: boolean;
  master: ExcelJsCell;
}
interface Grid {
  name: string;
  rows: unknown[][];
}
interface SheetJs {
  readFile(
    file: string,
    options: object,
  ): {
    SheetNames: string[];
    Sheets: Record<string, Record<string, { t: string; v?: unknown; w?: string }> | undefined>;
  };
}
type StreamReader = new (options: object) => NodeJS.WritableStream & {
  on(event: "worksheet", on: (sheet: StreamSheet) => void): void;
};
interface StreamSheet {
  name: string;
  on(event: "row", on: (row: { attributes?: { r?: string }; values: unknown[] }) => void): void;
  process(): void;
}

const readers: Record<string, (file: string) => Promise<Sheets>> = {
  "@sluice/sheets": async (file) => {
    await using book = await open(file);
    const sheets: Sheets = [];
    for (const { name, index } of book.sheets) {
      const cells: Record<string, Cell> = {};
      for await (const row of book.sheet(index).rows())
        for (const { ref, value } of row.cells()) put(cells, ref, value);
      sheets.push({ name, cells });
    }
    return sheets;
  },
  exceljs: (file) => excelJs("exceljs", file),
  "@protobi/exceljs": (file) => excelJs("@protobi/exceljs", file),
  hucre: async (file) => {
    const { readXlsx } = peers("hucre/xlsx") as { readXlsx(bytes: Uint8Array): Promise<{ sheets: Grid[] }> };
    return (await readXlsx(readFileSync(file))).sheets.map(gridCells);
  },
  "@e965/xlsx": async (file) => {
    const { readFile } = peers("@e965/xlsx") as SheetJs;
    const book = readFile(file, { cellDates: true, UTC: true, sheetStubs: false });
    return book.SheetNames.map((name) => {
      const cells: Record<string, Cell> = {};
      for (const [ref, cell] of Object.entries(book.Sheets[name] ?? {}))
        if (!ref.startsWith("!")) put(cells, ref, cell.t === "e" ? cell.w : cell.v);
      return { name, cells };
    });
  },
  "read-excel-file": async (file) => {
    const { default: read } = peers("read-excel-file/node") as {
      default(file: string, options: object): Promise<{ sheet: string; data: unknown[][] }[]>;
    };
    return (await read(file, { trim: false })).map(({ sheet, data }) => gridCells({ name: sheet, rows: data }));
  },
  "xlsx-stream-reader": (file) =>
    new Promise((resolve, reject) => {
      const Reader = peers("xlsx-stream-reader") as StreamReader;
      const reader = new Reader({ formatting: false });
      const sheets: Sheets = [];
      reader.on("worksheet", (sheet) => {
        const cells: Record<string, Cell> = {};
        sheets.push({ name: sheet.name, cells });
        let last = 0;
        sheet.on("row", ({ attributes, values }) => {
          last = Number(attributes?.r ?? last + 1);
          for (const [column, value] of values.entries()) if (column > 0) put(cells, columnName(column) + last, value);
        });
        sheet.process();
      });
      reader.on("error", reject);
      reader.on("end", () => resolve(sheets));
      createReadStream(file).on("error", reject).pipe(reader);
    }),
  LibreOffice: async (file) => flatCells(readFileSync(file.replace(/xlsx$/, "fods"), "utf8")),
};

export const readerNames: readonly string[] = Object.keys(readers).filter((name) => name !== "LibreOffice");

if (import.meta.main) {
  const [name = "", ...files] = process.argv.slice(2);
  if (
    name !== "LibreOffice" &&
    name !== "@sluice/sheets" &&
    !existsSync(join(import.meta.dirname, "peers/node_modules", name))
  )
    process.exit(3);
  for (const file of files) {
    let outcome: Outcome;
    try {
      outcome = { sheets: await readers[name]!(file) };
    } catch (error) {
      outcome = { error: String(error).slice(0, 200) };
    }
    console.log(JSON.stringify(outcome));
  }
}

async function excelJs(name: string, file: string): Promise<Sheets> {
  const { Workbook } = peers(name) as ExcelJs;
  const book = new Workbook();
  await book.xlsx.readFile(file);
  const sheets: Sheets = [];
  book.eachSheet((sheet) => {
    const cells: Record<string, Cell> = {};
    sheet.eachRow((row) =>
      row.eachCell((cell) => {
        // It gives the value of merged cells in each of them.
        if (!cell.isMerged || cell.master === cell) put(cells, cell.address, cell.value);
      }),
    );
    sheets.push({ name: sheet.name, cells });
  });
  return sheets;
}

function gridCells({ name, rows }: Grid): Sheets[number] {
  const cells: Record<string, Cell> = {};
  for (const [r, row] of rows.entries())
    for (const [c, value] of (row ?? []).entries()) put(cells, columnName(c + 1) + (r + 1), value);
  return { name, cells };
}

/** A value as plain data; what is empty is left out. */
function put(cells: Record<string, Cell>, ref: string, value: unknown): void {
  if (value === null || value === undefined || value === "") return;
  if (value instanceof Date) {
    cells[ref] = ["d", Number.isNaN(value.getTime()) ? "" : value.toISOString()];
  } else if (typeof value === "object") {
    const { result, richText, text, error, code } = value as Record<string, unknown>;
    if (Array.isArray(richText)) put(cells, ref, richText.map((run: { text?: string }) => run.text ?? "").join(""));
    else if ("error" in value || "code" in value) cells[ref] = ["e", String(error ?? code)];
    else put(cells, ref, result ?? text);
  } else if (typeof value === "number") cells[ref] = ["n", value];
  else if (typeof value === "boolean") cells[ref] = ["b", value];
  else cells[ref] = ["s", typeof value === "string" ? value : JSON.stringify(value)];
}

/** The cells of a flat OpenDocument spreadsheet, as LibreOffice writes it. */
function flatCells(xml: string): Sheets {
  const sheets: Sheets = [];
  for (const [, name, table] of xml.matchAll(/<table:table table:name="([^"]*)"(.*?)<\/table:table>/gs)) {
    const cells: Record<string, Cell> = {};
    let row = 0;
    for (const [, attributes, content = ""] of table!.matchAll(
      /<table:table-row\b([^>]*?)(?:\/>|>(.*?)<\/table:table-row>)/gs,
    )) {
      let column = 0;
      for (const [, cell, inner = ""] of content.matchAll(
        /<table:(?:covered-)?table-cell\b([^>]*?)(?:\/>|>(.*?)<\/table:(?:covered-)?table-cell>)/gs,
      )) {
        const value = flatValue(cell!, inner);
        const end = column + Number(/number-columns-repeated="(\d+)"/.exec(cell!)?.[1] ?? 1);
        if (value !== undefined) for (let c = column; c < end; c++) cells[columnName(c + 1) + (row + 1)] = value;
        column = end;
      }
      row += Number(/number-rows-repeated="(\d+)"/.exec(attributes!)?.[1] ?? 1);
    }
    sheets.push({ name: unescaped(name!), cells });
  }
  return sheets;
}

function flatValue(attributes: string, inner: string): Cell | undefined {
  const attribute = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  const text = [...inner.matchAll(/<text:p(?:\/>|[^>]*>(.*?)<\/text:p>)/gs)].map(([, line = ""]) =>
    unescaped(
      line
        .replace(/<text:s(?: text:c="(\d+)")?\/>/g, (_, count: string | undefined) => " ".repeat(Number(count ?? 1)))
        .replaceAll("<text:tab/>", "\t")
        .replaceAll("<text:line-break/>", "\n")
        .replaceAll(/<[^>]*>/g, ""),
    ),
  );
  switch (attribute("office:value-type")) {
    case "":
      return undefined;
    case "float":
    case "percentage":
    case "currency":
      return attribute("calcext:value-type") === "error"
        ? ["e", text[0] ?? ""]
        : ["n", Number(attribute("office:value"))];
    case "boolean":
      return ["b", attribute("office:boolean-value") === "true"];
    case "date":
      return [
        "d",
        `${attribute("office:date-value").replace(/(\.\d{3})\d*$/, "$1")}${attribute("office:date-value").includes("T") ? "Z" : "T00:00:00Z"}`,
      ];
    case "time": {
      const [, h, m, s] = /PT(\d+)H(\d+)M([\d.,]+)S/.exec(attribute("office:time-value")) ?? [];
      return ["t", Number(h) / 24 + Number(m) / 1440 + Number(s?.replace(",", ".")) / 86_400];
    }
    default: {
      const joined = text.join("\n");
      return joined === "" ? undefined : [attribute("calcext:value-type") === "error" ? "e" : "s", joined];
    }
  }
}

function unescaped(text: string): string {
  return text
    .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex ? 16 : 10)),
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

function columnName(column: number): string {
  let name = "";
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26))
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  return name;
}
