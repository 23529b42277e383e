// What readers make of the hazards of docs/hazards.md: which they read as the sheet shows them,
// which otherwise, and which not at all. `--readers exceljs,hucre` chooses by parts of the names.
// See README.md.
//
// Left out are hazards of which we refuse the file, and those where what is right is a choice. A
// value counts as right in any type that a program can use as one: an error may be its text, a time
// of day the share of a day. Readers that know text alone are given numbers and booleans as text.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { groups } from "../packages/sheets/src/test/hazards/catalogue.ts";
import { CellError, type CellValue } from "../packages/sheets/src/cells/rows.ts";
import { root, tmp } from "./data.ts";
import { readerNames, type Cell, type Outcome } from "./hazard-readers.ts";
import { printTable } from "./run.ts";

const { values: flags } = parseArgs({ options: { readers: { type: "string", default: "" } } });
const openpyxl = "openpyxl";
const libreOffice = "LibreOffice";
const names = [...readerNames, openpyxl, libreOffice].filter((name) =>
  flags.readers.split(",").some((part) => name.includes(part)),
);

const folder = join(tmp, "hazards");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const all = groups.flatMap(({ title, hazards }) =>
  hazards.filter(({ refused, choice }) => !refused && !choice).map((hazard) => ({ title, ...hazard })),
);
const files = all.map(({ file }, i) => {
  const path = join(folder, `${i}.xlsx`);
  writeFileSync(path, file());
  return path;
});

type Mark = "" | "wrong" | "fails";
const marks = new Map<string, Mark[]>();
for (const name of names) {
  const outcomes = await outcomesOf(name);
  if (outcomes === undefined) console.error(`${name} is not here`);
  else
    marks.set(
      name,
      outcomes.map((outcome, i) => markOf(outcome, all[i]!.sheets!, name)),
    );
}
const readers = [...marks.keys()];
console.log(`\nOf ${all.length} hazards, by kind: read wrongly + not read at all\n`);
printTable(
  ["", "hazards", ...readers],
  [...groups.map(({ title }) => title), "all"].map((title) => {
    const of = all.flatMap((hazard, i) => (title === "all" || hazard.title === title ? [i] : []));
    const count = (name: string, mark: Mark): number => of.filter((i) => marks.get(name)![i] === mark).length;
    const shown = (name: string): string =>
      count(name, "") === of.length ? "0" : `${count(name, "wrong")} + ${count(name, "fails")}`;
    return [title, String(of.length), ...readers.map(shown)];
  }),
);
console.log("\nHazard by hazard, where one of them stumbles\n");
printTable(
  ["hazard", ...readers],
  all.flatMap(({ name }, i) => {
    const line = readers.map((reader) => marks.get(reader)![i]!);
    return line.every((mark) => mark === "")
      ? []
      : [[name.replaceAll("|", "\\|").replaceAll(/[<_*[]/g, "\\$&"), ...line]];
  }),
);

/** What a reader gives for each file; undefined where there is no such reader. */
async function outcomesOf(name: string): Promise<Outcome[] | undefined> {
  if (name === libreOffice) {
    const profile = `-env:UserInstallation=file://${join(tmp, "soffice")}`;
    const args = ["--headless", profile, "--convert-to", "fods", "--outdir", folder, ...files];
    if (spawnSync("soffice", args, { stdio: "ignore", timeout: 600_000 }).error) return undefined;
  }
  const script = name === openpyxl ? "hazard-reader.py" : "hazard-readers.ts";
  const program = name === openpyxl ? "/usr/bin/python3" : process.execPath;
  const outcomes: Outcome[] = [];
  // One process for all; where it dies or hangs another goes on behind the file that it was at.
  while (outcomes.length < files.length) {
    const rest = files.slice(outcomes.length);
    const args = [join(root, "bench", script), ...(name === openpyxl ? [] : [name]), ...rest];
    const got = await linesOf(program, ["--conditions=source", ...args].slice(name === openpyxl ? 1 : 0));
    outcomes.push(...got.lines.map((line) => JSON.parse(line) as Outcome));
    if (got.absent) return undefined;
    if (outcomes.length < files.length) outcomes.push({ error: "it died or hung" });
  }
  return outcomes;
}

/** The lines that a program prints, until it ends or prints none for ten seconds. */
async function linesOf(program: string, args: string[]): Promise<{ lines: string[]; absent: boolean }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, TZ: "UTC" } });
  let absent = false;
  child.on("error", () => (absent = true));
  const lines: string[] = [];
  let timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    if (line.startsWith("{") && line.endsWith("}")) lines.push(line);
  }
  clearTimeout(timer);
  return { lines, absent: absent || child.exitCode === 3 };
}

function markOf(outcome: Outcome, sheets: NonNullable<(typeof all)[number]["sheets"]>, reader: string): Mark {
  if (outcome.error !== undefined || outcome.sheets === undefined) return "fails";
  const byName = new Map(outcome.sheets.map(({ name, cells }) => [name, cells]));
  for (const { name, cells } of sheets) {
    const got = byName.get(name);
    if (!got) return Object.keys(cells).length > 0 ? "fails" : "wrong";
    if (Object.entries(cells).some(([ref, value]) => !same(got[ref], value, reader))) return "wrong";
    if (Object.keys(got).some((ref) => !(ref in cells))) return "wrong";
  }
  const others = outcome.sheets.filter(({ name }) => !sheets.some((sheet) => sheet.name === name));
  return others.every(({ cells }) => Object.keys(cells).length === 0) ? "" : "wrong";
}

function same(got: Cell | undefined, want: CellValue, reader: string): boolean {
  if (got === undefined) return false;
  const [type, value] = got;
  if (want instanceof CellError) return value === want.code;
  if (want instanceof Date) {
    const time = want.getTime();
    // As a share of days since 1899-12-30, or since a day later, for those who count the 29
    // February 1900.
    const days = (time - Date.UTC(1899, 11, 30)) / 86_400_000 - Number(value);
    if (type === "t") return Math.abs(days) < 1e-9 || Math.abs(days - 1) < 1e-9;
    return type === "d" && new Date(String(value)).getTime() === time;
  }
  if (reader === "xlsx-stream-reader" && typeof want !== "string")
    return Number(typeof want === "boolean" ? String(value).replace("true", "1") : value) === Number(want);
  return value === want || (value === 0 && want === 0);
}
