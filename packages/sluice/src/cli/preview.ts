// `sluice preview`: what an import would do with a file, for people and for programs. It writes
// nothing.
//
// A report for people, sheet by sheet: what would be imported where, the notes, a table of columns,
// the statements that make the table, the first rows as they would be loaded, and the rows that
// would be rejected. `--json` prints the same as one line (api/preview-schema.ts has its shape).
import type { Context } from "@sluice/go/context";
import { describeError, isInterrupted, renamed } from "../errors.ts";
import { previewFile, type ColumnPreview, type FilePreview, type SheetPreview } from "../preview.ts";
import { schemaText } from "../schema-text.ts";
import { schemaBeside } from "../schema/schema-beside.ts";
import { loadSchema } from "../schema/schema-file.ts";
import { pgliteExists } from "../database/folder.ts";
import { rowList } from "../sheet/source.ts";
import type { Target } from "../target.ts";
import { connect, interruptible, leftAside, serverAddress, showStack, type TargetFlags } from "./common.ts";
import { withCommands } from "./command.ts";
import { fileOptions, type FileFlags } from "./file-options.ts";
import { limitsFrom } from "./limit-options.ts";
import { columns, count, oneLine, rejectText } from "./format.ts";
import { checkFiles, openInput, shownName, STDIN } from "./stdin.ts";

export interface PreviewFlags extends TargetFlags, FileFlags {
  readonly json?: boolean;
  /** Print a schema file of what was found. */
  readonly printSchema: boolean;
}

/** The error that an import would end with. */
const NAMELESS = "standard input has no name to call the table after: sluice import - needs --table NAME";

/** A report of this many columns or more begins with a summary. */
const WIDE = 40;
/** The most columns that a summary names. */
const NAMED = 5;

/** Longer texts are cut for people; `--json` gives them whole. */
const WIDEST = 40;

/**
 * Returns the exit code: 0 if all sheets could be imported, 1 if one could not, 2 for usage, 130
 * interrupted.
 */
export async function previewCommand(files: readonly string[], flags: PreviewFlags): Promise<number> {
  checkFiles(files);
  return await interruptible(
    async (ctx) => {
      await using target = await existingTarget(flags);
      let worst = 0;
      for (const file of files) {
        const code = await showFile(ctx, file, target, flags);
        if (ctx.err() !== undefined) return 130;
        worst = worst === 1 ? 1 : code || worst;
      }
      return worst;
    },
    { stopping: "looking at this file" },
  );
}

async function showFile(ctx: Context, file: string, target: Target | undefined, flags: PreviewFlags): Promise<number> {
  const name = shownName(file);
  let path = file;
  try {
    // A preview is for files that one does not trust yet, so it runs nothing that came with them.
    const beside = flags.schema !== undefined || file === STDIN ? undefined : schemaBeside(file);
    const schemaFile = flags.schema;
    const schema = schemaFile === undefined ? undefined : await loadSchema(schemaFile);
    await using input = await openInput(ctx, file, limitsFrom(flags).limits);
    if (!input) return 130;
    ({ path } = input);
    const options = { file: path, fileName: name, ...fileOptions(flags, schema), ...(target ? { target } : {}), ctx };
    const found = await previewFile(options);
    const nameless = file === STDIN && flags.table === undefined && !schema;
    const notes = [
      ...found.notes,
      ...(beside ? [leftAside(beside.file, "a preview runs no program that lies beside a file")] : []),
      ...(nameless ? [NAMELESS] : []),
    ];
    const preview = { ...found, notes };
    if (flags.printSchema) printSchemas(preview);
    else if (flags.json) console.log(JSON.stringify(preview));
    else console.log(report(preview, schemaFile, target).join("\n"));
    return preview.imports.some(({ error }) => error !== null) ? 1 : 0;
  } catch (error) {
    if (isInterrupted(error)) return 130;
    const { code, message, exitCode } = describeError(renamed(error, path, name));
    if (flags.json) console.log(JSON.stringify({ file: name, error: { code, message } }));
    else console.error(`error: ${withCommands(message)}`);
    showStack(error, code);
    return exitCode;
  }
}

/** Prints the schema files to standard output, and the notes about them to standard error. */
function printSchemas({ file, imports, notes }: FilePreview): void {
  for (const note of notes) console.error(`Note: ${note}`);
  for (const sheet of imports) {
    for (const note of sheet.notes) console.error(`Note: ${note}`);
    if (sheet.error === null) process.stdout.write(schemaText(file, sheet));
    else console.error(`error: ${sheet.error.message}`);
  }
}

/** The database, if it exists already: a preview does not make one. */
async function existingTarget(flags: PreviewFlags): Promise<Target | undefined> {
  if (serverAddress(flags) === undefined && !pgliteExists(flags.data)) return undefined;
  const target = await connect(flags);
  await target.start();
  return target;
}

/** The sheets of a file that are listed. */
const LISTED = 250;

/** The lines about a file: its sheets, its notes, and each sheet that would be imported. */
function report(preview: FilePreview, schemaFile: string | undefined, target: Target | undefined): string[] {
  const sheets = preview.sheets
    .slice(0, LISTED)
    .map(({ name, state }, n) => `${n + 1} "${name}"${state === "visible" ? "" : " (hidden)"}`);
  const more = preview.sheets.length - sheets.length;
  if (more > 0) sheets.push(`and ${count(more)} more`);
  const lines = [
    `${preview.file}: ${preview.format}, ${sheets.length === 1 ? "sheet" : "sheets"} ${sheets.join(", ")}`,
  ];
  if (schemaFile !== undefined) lines.push(`Schema: ${schemaFile}`);
  for (const note of preview.notes) lines.push(`Note: ${withCommands(note)}`);
  for (const sheet of preview.imports) lines.push("", ...sheetLines(sheet, target));
  return lines;
}

/**
 * The lines about one sheet. A sheet that cannot be imported has its error, and what was found all
 * the same.
 */
function sheetLines(preview: SheetPreview, target: Target | undefined): string[] {
  const { sheet, table, exists, records, complete, headerRows, rejects, error } = preview;
  const into = exists ? `the table ${table} in ${target?.name ?? ""}` : `a new table ${table}`;
  const rows = `${count(records)} ${records === 1 ? "row" : "rows"}${complete ? "" : " of more"} looked at`;
  const header =
    headerRows.length === 0
      ? "no header"
      : `header in ${headerRows.length === 1 ? "row" : "rows"} ${rowList(headerRows)}`;
  const lines = [error ? `Sheet "${sheet}" cannot be imported.` : `Sheet "${sheet}" → ${into}; ${header}, ${rows}`];
  if (error) lines.push(`error: ${withCommands(error.message)}`);
  if (preview.columns.length >= WIDE) lines.push(...summaryLines(preview.columns));
  for (const note of preview.notes) lines.push(`Note: ${withCommands(note)}`);
  if (preview.columns.length > 0)
    lines.push("", ...columns([["", "header", "column", "type", "sure", "why"], ...preview.columns.map(columnLine)]));
  if (preview.ddl.length > 0) lines.push("", ...[...preview.ddl, ...preview.indexes].map((ddl) => `${ddl};`));
  if (preview.sample.length > 0) lines.push("", ...sampleLines(preview));
  if (rejects.total > 0) lines.push("", ...rejectedLines(rejects));
  return lines;
}

function rejectedLines({ total, reasons, first }: SheetPreview["rejects"]): string[] {
  const counts = Object.entries(reasons).map(([code, n]) => `${count(n)} × ${code}`);
  const lines = [`${count(total)} of these rows would be rejected: ${counts.join(", ")}`];
  for (const reject of first) lines.push(`  row ${reject.row}  ${rejectText(reject)}`);
  if (total > first.length) lines.push(`  … and ${count(total - first.length)} more.`);
  return lines;
}

/** The counts for a wide sheet, before it is shown column by column. */
function summaryLines(all: readonly ColumnPreview[]): string[] {
  const loaded = all.filter(({ type }) => type !== null);
  const types = new Map<string, number>();
  for (const { type } of loaded) types.set(type!, (types.get(type!) ?? 0) + 1);
  const counts = [...types].sort(([, a], [, b]) => b - a).map(([type, n]) => `${count(n)} ${type}`);
  const left = all.length - loaded.length;
  const spoiled = loaded.filter(({ type, inferred }) => type === "text" && inferred.nearest !== undefined);
  const empty = loaded.filter(({ inferred }) => inferred.values === 0);
  return [
    `${count(all.length)} columns: ${counts.join(", ")}${left > 0 ? `, ${count(left)} left out` : ""}`,
    ...named(spoiled, "text although most values are of another type"),
    ...named(empty, "without a value in the rows looked at"),
  ];
}

/** A line that counts some columns and names the first of them; none if there are none. */
function named(some: readonly ColumnPreview[], what: string): string[] {
  if (some.length === 0) return [];
  const shown = some.slice(0, NAMED).map(({ letter, column }) => `${letter} ${cutText(column ?? "")}`);
  const more = some.length > NAMED ? `, and ${count(some.length - NAMED)} more` : "";
  return [`${count(some.length)} ${some.length === 1 ? "is" : "are"} ${what}: ${shown.join(", ")}${more}`];
}

/**
 * A column of the sheet as a line: letter, header, column, type, the share of values that are of
 * the type, and why.
 */
function columnLine(column: ColumnPreview): string[] {
  const { letter, header, unit, match, inferred } = column;
  const format = column.dateFormat ?? column.numberFormat;
  const type = column.type === null ? "" : format === null ? column.type : `${column.type} as ${format}`;
  const sure =
    column.type === inferred.type && inferred.values > 0 ? `${Math.floor(inferred.confidence * 1000) / 10} %` : "";
  return [
    letter,
    cutText(unit === null ? header : `${header} (${unit})`),
    column.column ?? "(left out)",
    type,
    sure,
    why(column, match),
  ];
}

/** The reasons: how the header found its column, and what spoke against another type. */
function why({ inferred, type }: ColumnPreview, match: ColumnPreview["match"]): string {
  const parts: string[] = [];
  if (match?.by === "likeness") parts.push(`taken by likeness ${match.score.toFixed(2)}`);
  if (match?.by === "map") parts.push("--map");
  if (inferred.because !== undefined && type === "text") parts.push(inferred.because);
  if (inferred.nearest && type === "text") {
    const { type: near, notation, fits, against } = inferred.nearest;
    const examples = against.map(({ row, value }) => `${JSON.stringify(cutText(value))} (row ${row})`);
    parts.push(
      `${count(fits)} of ${count(inferred.values)} are ${near}${notation === undefined ? "" : ` as ${notation}`}, but not ${examples.join(", ")}`,
    );
  }
  return parts.join("; ");
}

function sampleLines({ columns: all, sample }: SheetPreview): string[] {
  const names = all.flatMap(({ column }) => (column === null ? [] : [column]));
  const rows = sample.map(({ row, values }) => [String(row), ...values.map((value) => cutText(value ?? ""))]);
  return columns([["row", ...names], ...rows], [true]);
}

function cutText(text: string): string {
  return oneLine(text, WIDEST);
}
