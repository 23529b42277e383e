// `sluice preview`: what an import would do with a file, for people and for programs. It writes nothing.
import type { Context } from "@sluice/go/context";
import { describeError, renamed } from "../errors.ts";
import { previewFile, type ColumnPreview, type FilePreview, type SheetPreview } from "../preview.ts";
import { schemaBeside } from "../schema-beside.ts";
import { loadSchema } from "../schema-file.ts";
import { pgliteExists } from "../targets/pglite.ts";
import type { Target } from "../targets/target.ts";
import { connect, interruptible, leftAside, serverAddress, showStack, type TargetFlags } from "./common.ts";
import { fileOptions, type FileFlags } from "./file-options.ts";
import { columns, count, oneLine, rejectText } from "./format.ts";
import { checkFiles, openInput, shownName, STDIN } from "./stdin.ts";

export interface PreviewFlags extends TargetFlags, FileFlags {
  readonly json?: boolean;
}

/** What an import would ask for. */
const NAMELESS = "standard input has no name to call the table after: sluice import - needs --table NAME";

/** Longer texts are cut where people read; `--json` gives them whole. */
const WIDEST = 40;

/** Returns the exit code: 0 where all sheets could be imported, 1 where one could not, 2 for usage, 130 interrupted. */
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
    await using input = await openInput(ctx, file);
    if (!input) return 130;
    ({ path } = input);
    const options = { file: path, fileName: name, ...fileOptions(flags, schema), ...(target ? { target } : {}) };
    const found = await previewFile(options);
    const nameless = file === STDIN && flags.table === undefined && !schema;
    const notes = [
      ...found.notes,
      ...(beside ? [leftAside(beside.file, "a preview runs no program that lies beside a file")] : []),
      ...(nameless ? [NAMELESS] : []),
    ];
    const preview = { ...found, notes };
    if (flags.json) console.log(JSON.stringify(preview));
    else console.log(report(preview, schemaFile, target).join("\n"));
    return preview.imports.some(({ error }) => error !== null) ? 1 : 0;
  } catch (error) {
    const { code, message, exitCode } = describeError(renamed(error, path, name));
    if (flags.json) console.log(JSON.stringify({ file: name, error: { code, message } }));
    else console.error(`error: ${message}`);
    showStack(error, code);
    return exitCode;
  }
}

/** The database that is there already: a preview makes none. */
async function existingTarget(flags: PreviewFlags): Promise<Target | undefined> {
  if (serverAddress(flags) === undefined && !pgliteExists(flags.data)) return undefined;
  const target = await connect(flags);
  await target.start();
  return target;
}

function report(preview: FilePreview, schemaFile: string | undefined, target: Target | undefined): string[] {
  const sheets = preview.sheets.map(
    ({ name, state }, n) => `${n + 1} "${name}"${state === "visible" ? "" : " (hidden)"}`,
  );
  const lines = [
    `${preview.file}: ${preview.format}, ${sheets.length === 1 ? "sheet" : "sheets"} ${sheets.join(", ")}`,
  ];
  if (schemaFile !== undefined) lines.push(`Schema: ${schemaFile}`);
  for (const note of preview.notes) lines.push(`Note: ${note}`);
  for (const sheet of preview.imports) lines.push("", ...sheetLines(sheet, target));
  return lines;
}

function sheetLines(preview: SheetPreview, target: Target | undefined): string[] {
  const { sheet, table, exists, records, complete, headerRows, rejects, error } = preview;
  const into = exists ? `the table ${table} in ${target?.name ?? ""}` : `a new table ${table}`;
  const rows = `${count(records)} ${records === 1 ? "row" : "rows"}${complete ? "" : " of more"} looked at`;
  const header =
    headerRows.length === 0
      ? "no header"
      : `header in ${headerRows.length === 1 ? "row" : "rows"} ${headerRows.join(" and ")}`;
  const lines = [error ? `Sheet "${sheet}" cannot be imported.` : `Sheet "${sheet}" → ${into}; ${header}, ${rows}`];
  if (error) lines.push(`error: ${error.message}`);
  for (const note of preview.notes) lines.push(`Note: ${note}`);
  if (preview.columns.length > 0)
    lines.push("", ...columns([["", "header", "column", "type", "sure", "why"], ...preview.columns.map(columnLine)]));
  if (preview.ddl.length > 0) lines.push("", ...[...preview.ddl, ...preview.indexes].map((ddl) => `${ddl};`));
  if (preview.sample.length > 0) lines.push("", ...sampleLines(preview));
  if (rejects.total > 0) {
    const reasons = Object.entries(rejects.reasons).map(([code, n]) => `${count(n)} × ${code}`);
    lines.push("", `${count(rejects.total)} of these rows would be rejected: ${reasons.join(", ")}`);
    for (const reject of rejects.first) lines.push(`  row ${reject.row}  ${rejectText(reject)}`);
    if (rejects.total > rejects.first.length)
      lines.push(`  … and ${count(rejects.total - rejects.first.length)} more.`);
  }
  return lines;
}

function columnLine(column: ColumnPreview): string[] {
  const { letter, header, unit, match, inferred } = column;
  const type =
    column.type === null ? "" : column.dateFormat === null ? column.type : `${column.type} as ${column.dateFormat}`;
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

/** How the header found its column, and what spoke against another type. */
function why({ inferred, type }: ColumnPreview, match: ColumnPreview["match"]): string {
  const parts: string[] = [];
  if (match?.by === "likeness") parts.push(`taken by likeness ${match.score.toFixed(2)}`);
  if (match?.by === "map") parts.push("--map");
  if (inferred.because !== undefined && type === "text") parts.push(inferred.because);
  if (inferred.nearest && type === "text") {
    const { fits, against } = inferred.nearest;
    const examples = against.map(({ row, value }) => `${JSON.stringify(cutText(value))} (row ${row})`);
    parts.push(
      `${count(fits)} of ${count(inferred.values)} are ${inferred.nearest.type}, but not ${examples.join(", ")}`,
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
