// Peak memory of imports: of a full sheet against a small one, of sheets in which every row is bad,
// with --wide of sheets with rows of 260 kB, and with --embedded of the embedded database. See
// README.md.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { writeSample } from "../packages/sluice/src/sample/sample.ts";
import { ZipWriter } from "../packages/sluice/src/xlsx/zip-writer.ts";
import {
  contentTypes,
  namespaces,
  packageRelations,
  part,
  styles,
  workbook as bookXml,
  workbookRelations,
} from "../packages/sluice/src/xlsx/parts.ts";
import { kept, root, tmp, workbook } from "./data.ts";
import { atMost, count, mustRun, printGoals, printTable, seconds } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    small: { type: "string", default: "10000" },
    large: { type: "string", default: "1048575" },
    "small-bad": { type: "string", default: "100000" },
    bad: { type: "string", default: "1000000" },
    wide: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    "wide-rows": { type: "string", default: "5000" },
  },
});
const server = new URL(process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres");
const database = `sluice_memory_${process.pid}`;
const to = new URL(server);
to.pathname = `/${database}`;
const megabytes = (bytes: number): string => `${count(bytes / 1024 ** 2)} MB`;
const rows: string[][] = [];

/** A workbook in which every row is bad. */
function allBad(rows: number): Promise<string> {
  return kept(`${rows}-bad.xlsx`, (out) => writeSample(out, { rows, bad: rows, strings: "inline" }));
}

/**
 * Imports with the program as its launcher starts it, but without the launcher. Returns the peak of
 * its resident set, in bytes.
 */
async function measure(what: string, file: string, ...more: string[]): Promise<number> {
  return await measureInto(["--to", to.href], what, file, ...more);
}

async function measureInto(
  database: readonly string[],
  what: string,
  file: string,
  ...more: string[]
): Promise<number> {
  const program = join(root, "packages", "sluice", "src", "cli", "main.ts");
  const schema = join(root, "examples", "data", "businesses.schema.ts");
  const node = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=8", "--conditions=source"];
  const args = [...node, program, "import", file];
  const place = [...database, "--schema", schema, "--table", `t${rows.length}`, "--json"];
  const done = await mustRun(process.execPath, [...args, ...place, ...more], { codes: [0, 3] });
  const result = JSON.parse(done.stdout) as { inserted: number; rejected: number };
  process.stderr.write(`${what}: ${megabytes(done.peak)}\n`);
  rows.push([what, count(result.inserted), count(result.rejected), seconds(done.milliseconds), megabytes(done.peak)]);
  return done.peak;
}

/**
 * A workbook of rows of 260 kB, nine cells each: all of them good, or all with an address that is
 * none.
 */
function wide(rows: number, bad: boolean): Promise<string> {
  return kept(`${rows}-wide-random-${bad ? "bad" : "good"}.xlsx`, async (out) => {
    const zip = new ZipWriter(out, { level: 1 });
    const cell = (text: string): string => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
    const heads = ["Name", "Category", "Phone", "Email", "Address", "City", "Country", "Website", "Description"];
    // Random, so that it does not inflate as a hostile part does.
    const long = (cells: number): string =>
      Array.from({ length: cells }, () => cell(randomBytes(16_350).toString("hex"))).join("");
    const row = long(3) + cell(bad ? "no address" : "a@b.example") + long(5);
    const pieces = function* (): Generator<Buffer> {
      yield Buffer.from(
        `<worksheet xmlns="${namespaces.main}"><sheetData><row r="1">${heads.map(cell).join("")}</row>`,
      );
      for (let n = 2; n <= rows + 1; n++) yield Buffer.from(`<row r="${n}">${row}</row>`);
      yield Buffer.from("</sheetData></worksheet>");
    };
    await zip.entry("xl/worksheets/sheet1.xml", pieces());
    await zip.entry("xl/workbook.xml", part(bookXml(["S"])));
    await zip.entry("xl/_rels/workbook.xml.rels", part(workbookRelations(1, false)));
    await zip.entry("xl/styles.xml", part(styles([])));
    await zip.entry("_rels/.rels", part(packageRelations));
    await zip.entry("[Content_Types].xml", part(contentTypes(1, false)));
    await zip.end();
  });
}

/** Rows of 260 kB by every method, and in every way that a whole import is one transaction. */
async function measureWide(): Promise<void> {
  const count = Number(flags["wide-rows"]);
  const ways = [
    ...["copy", "batch", "concurrent", "sequential"].map((method) => ["--method", method]),
    ["--atomic"],
    ["--dry-run"],
    ["--replace"],
  ];
  const goals = [];
  for (const bad of [false, true]) {
    const file = await wide(count, bad);
    const report = bad ? ["--rejects", join(tmp, "rejects.csv")] : [];
    for (const way of ways) {
      const what = `${bad ? "all rejected" : "all good"}, ${way.join(" ")}`;
      goals.push(atMost(what, await measure(what, file, ...way, ...report), 300 * 1024 ** 2, megabytes));
    }
    if (!bad) continue;
    const what = "all rejected, rejects as a workbook";
    goals.push(
      atMost(what, await measure(what, file, "--rejects", join(tmp, "rejects.xlsx")), 300 * 1024 ** 2, megabytes),
    );
  }
  printTable(["import", "rows in", "rejected", "time", "peak memory"], rows);
  console.log();
  printGoals(goals);
}

/** Many rows of ordinary size. */
async function measureLong(): Promise<void> {
  const bad = await allBad(Number(flags.bad));
  const small = await measure("a small sheet", await workbook(Number(flags.small), "inline"));
  const large = await measure("a full sheet", await workbook(Number(flags.large), "inline"));
  const toCsv = ["--rejects", join(tmp, "rejects.csv")];
  const fewBad = await measure("every row bad, rejects as CSV", await allBad(Number(flags["small-bad"])), ...toCsv);
  const csv = await measure("every row bad, rejects as CSV", bad, ...toCsv);
  const xlsx = await measure("every row bad, rejects as a workbook", bad, "--rejects", join(tmp, "rejects.xlsx"));
  printTable(["import", "rows in", "rejected", "time", "peak memory"], rows);
  console.log();
  const times = (ratio: number): string => `${ratio.toFixed(2)}×`;
  printGoals([
    atMost("a full sheet / a small one", large / small, 1.3, times),
    atMost("every row bad, CSV / ten times fewer", csv / fewBad, 1.3, times),
    atMost("every row bad, a workbook / ten times fewer", xlsx / fewBad, 1.3, times),
  ]);
}

/** The embedded database: when its folder is made, when it is opened, and with many rows. */
async function measureEmbedded(): Promise<void> {
  const folder = await mkdtemp(join(tmp, "embedded-"));
  try {
    const place = ["--data", folder];
    await measureInto(place, "makes the folder", await workbook(10, "inline"));
    await measureInto(place, "opens it", await workbook(10, "inline"));
    await measureInto(place, "opens it, a small sheet", await workbook(Number(flags.small), "inline"));
    await measureInto(place, "opens it, a full sheet", await workbook(Number(flags.large), "inline"));
    printTable(["import", "rows in", "rejected", "time", "peak memory"], rows);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Measures with a database of a PostgreSQL server. */
async function onServer(measureAll: () => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: server.href });
  await admin.connect();
  await admin.query(`create database ${database}`);
  try {
    await measureAll();
  } finally {
    await admin.query(`drop database if exists ${database} with (force)`);
    await admin.end();
  }
}

await (flags.embedded ? measureEmbedded() : onServer(flags.wide ? measureWide : measureLong));
