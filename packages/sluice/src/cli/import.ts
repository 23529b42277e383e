// `sluice import`: opens the database, imports each file, and says what was done.
import type { Context } from "@sluice/go/context";
import type { Workbook } from "@sluice/sheets";
import { goDuration } from "../duration.ts";
import type { Empty, OnConflict, ImportOptions, ImportResult, Progress, Method } from "../options.ts";
import {
  describeError,
  failureOf,
  INTERRUPTED,
  isInterrupted,
  orInterrupted,
  renamed,
  SluiceError,
  usageError,
} from "../errors.ts";
import { untouched } from "../run/failure.ts";
import { FinishedError } from "../ledger/finished.ts";
import { runImport } from "../import.ts";
import { pruneImports } from "../ledger/history.ts";
import { findImports } from "../ledger/ledger.ts";
import { contradictions } from "../plan/plan.ts";
import { hasLedger } from "../ledger/schema.ts";
import { tableName } from "../plan/prepare.ts";
import { openWorkbook } from "../rejects/as-source.ts";
import { loadSchema } from "../schema/schema-file.ts";
import { schemaBeside } from "../schema/schema-beside.ts";
import type { TableSchema } from "../schema/schema.ts";
import { sheetsToImport } from "../sheet/tables.ts";
import type { Target, Wait } from "../target.ts";
import {
  connect,
  interruptible,
  leftAside,
  rejectsCommand,
  rejectsOfDryRun,
  resumeCommand,
  sayWaits,
  serverAddress,
  asTyped,
  showCommand,
  showStack,
  type TargetFlags,
} from "./common.ts";
import { COMMAND } from "./command.ts";
import { fileOptions, type FileFlags } from "./file-options.ts";
import { limitsFrom } from "./limit-options.ts";
import { count, rate, rejectText } from "./format.ts";
import { print } from "./output.ts";
import type { RejectReport } from "./reject-report.ts";
import { checkFiles, openInput, shownName, STDIN } from "./stdin.ts";

export interface ImportFlags extends TargetFlags, FileFlags {
  readonly method: Method;
  readonly workers?: number;
  readonly batchSize: number;
  readonly chunkRows: number;
  readonly onConflict: OnConflict;
  readonly key?: readonly string[];
  readonly empty: Empty;
  readonly create?: boolean;
  readonly append?: boolean;
  readonly replace?: boolean;
  readonly cascade?: boolean;
  readonly atomic?: boolean;
  readonly dryRun?: boolean;
  readonly rejects?: string;
  readonly rawRejects?: boolean;
  readonly maxErrors?: number;
  readonly resume: string;
  readonly again?: boolean;
  readonly reconnect: number;
  readonly keepHistory?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** The names of the options that were given, not taken from defaults. */
  readonly stated: ReadonlySet<string>;
}

/** A sheet of a file, and where it goes. */
type Part = Pick<ImportOptions, "table" | "sheet" | "alike">;

/** A call of the command, from file to file. */
interface Call {
  readonly ctx: Context;
  readonly flags: ImportFlags;
  readonly target: Target;
  readonly rejects: RejectReport | undefined;
  readonly progress: ProgressLine;
  /** The tables that it has filled. */
  readonly tables: Set<string>;
}

/** The beginning of the note about an earlier import of the file. */
const IMPORTED_BEFORE = "this file was imported before";
/** The number of rejects that are shown to people. */
const SHOWN = 10;
/** The number of columns that are named with their types. */
const TYPES_SHOWN = 12;
/** The time between two lines of progress without a terminal. */
const PLAIN_LINE_MS = 5000;
/** Characters of the progress bar. */
const BAR = 24;

/**
 * Returns the exit code: 0 all in, 3 some rows rejected, 4 imported before, 1 failed, 2 usage, 130
 * interrupted.
 */
export async function importCommand(files: readonly string[], flags: ImportFlags): Promise<number> {
  let worst = 0;
  const progress = new ProgressLine(flags);
  try {
    checkFiles(files);
    if (flags.cascade && !flags.replace)
      throw usageError(
        "cascade",
        "--cascade says what --replace may do, so it goes with --replace: give both or none.",
      );
    if (files.length > 1 && goesOn(flags))
      throw usageError(
        "resume_several",
        "--resume ID goes on with one import, so it takes one file: name that one alone.",
      );
    return await interruptible(async (ctx) => {
      const onWait = (waits: readonly Wait[]): void => progress.wait(waits);
      const onCreate = (): void => {
        if (flags.quiet || flags.json) return;
        console.error(`Making the embedded PostgreSQL in ${flags.data}: some seconds, the first time only.`);
      };
      const reconnectMs = flags.reconnect * 1000;
      await using target = await connect(flags, { connections: flags.workers, reconnectMs, onCreate, onWait, ctx });
      await using rejects = await rejectReport(files, flags);
      const call: Call = { ctx, flags, target, rejects, progress, tables: new Set() };
      for (const file of files) {
        worst = worse(worst, await importFile(call, file));
        if (worst === 130) break;
      }
      worst = worse(rejects ? await closeRejects(rejects, flags) : 0, worst);
      if (worst !== 130 && flags.keepHistory !== undefined)
        worst = worse(worst, await shortenHistory(target, flags.keepHistory, flags));
      return worst;
    });
  } catch (error) {
    progress.clear();
    return await fail(error, flags);
  }
}

/** The file that `--rejects` names, ready to be written. What writes it is loaded only then. */
async function rejectReport(files: readonly string[], flags: ImportFlags): Promise<RejectReport | undefined> {
  if (flags.rejects === undefined) return undefined;
  const { RejectFile } = await import("../rejects/file.ts");
  const { RejectReport } = await import("./reject-report.ts");
  const file = new RejectFile(flags.rejects, !flags.rawRejects);
  await file.check(files);
  return new RejectReport(file, flags);
}

/**
 * Deletes old history; returns the exit code. What was imported by then has ended, whatever becomes
 * of this.
 */
async function shortenHistory(target: Target, days: number, flags: ImportFlags): Promise<number> {
  try {
    await pruneImports(target, days);
    return 0;
  } catch (error) {
    const { code, message } = describeError(error);
    const text = `the history could not be shortened, which changes nothing of what was imported: ${message}`;
    return await fail(new SluiceError(code, text, { cause: error }), flags);
  }
}

/** Closes the file of rejects and says what is in it; returns the exit code. */
async function closeRejects(rejects: RejectReport, flags: ImportFlags): Promise<number> {
  try {
    const lines = await rejects.close();
    if (!flags.json && !flags.quiet && lines.length > 0) await print(lines.join("\n"));
    return 0;
  } catch (error) {
    return await fail(error, flags);
  }
}

/** Imports the sheets of a file that were asked for, one after the other. */
async function importFile(call: Call, file: string): Promise<number> {
  const { ctx, flags, target } = call;
  const name = shownName(file);
  let path = file;
  try {
    const schemaFile = schemaFileFor(file, flags);
    const schema = schemaFile === undefined ? undefined : await loadSchema(schemaFile);
    if (file === STDIN && flags.table === undefined && !schema)
      throw usageError("no_table", "standard input has no name to call the table after. Give --table NAME.");
    await using input = await openInput(ctx, file, limitsFrom(flags).limits);
    if (!input) {
      console.error("Interrupted before the end of standard input: nothing was imported.");
      return 130;
    }
    ({ path } = input);
    const { sheet, ...whole } = importOptions(path, name, schema, target, flags);
    const options = sheet === undefined || sheet === "all" ? whole : { ...whole, sheet };
    let worst = 0;
    // An import that continues by its id has its sheet.
    if (goesOn(flags)) await checkStated(target, flags, options);
    const several = sheet === "all" && !goesOn(flags);
    await using workbook = several ? await openWorkbook(path, { ...options, ctx }) : undefined;
    for (const part of workbook ? await partsOf(workbook, { ...options, sheet: "all" }, flags) : [{}]) {
      const whole = { ...options, ...part, ...(workbook ? { workbook } : {}) };
      worst = worse(worst, await importSheet(call, whole, schemaFile));
      if (worst === 130) break;
    }
    return worst;
  } catch (error) {
    return await fail(renamed(beforeTheFirstRow(orInterrupted(error, ctx)), path, name), flags, name);
  }
}

/** The schema file of a file: the one that was named, or else the one beside it. */
function schemaFileFor(file: string, flags: ImportFlags): string | undefined {
  if (flags.schema !== undefined || file === STDIN) return flags.schema;
  const beside = schemaBeside(file);
  if (beside?.aside === undefined) return beside?.file;
  if (!flags.quiet) console.error(`Note: ${leftAside(beside.file, beside.aside)}`);
  return undefined;
}

/** Reports whether the options name an import to continue. */
function goesOn({ resume }: ImportFlags): boolean {
  return resume !== "auto" && resume !== "never";
}

function importOptions(
  file: string,
  fileName: string,
  schema: TableSchema | undefined,
  target: Target,
  flags: ImportFlags,
): ImportOptions {
  return {
    file,
    fileName,
    ...fileOptions(flags, schema),
    target,
    // An option that was not given does not contradict an import that continues.
    ...(flags.stated.has("method") ? { method: flags.method } : {}),
    ...(flags.stated.has("batchSize") ? { batchSize: flags.batchSize } : {}),
    ...(flags.stated.has("chunkRows") ? { chunkRows: flags.chunkRows } : {}),
    resume: flags.resume,
    again: flags.again ?? false,
    ...(flags.workers === undefined ? {} : { workers: flags.workers }),
    ...(flags.maxErrors === undefined ? {} : { maxErrors: flags.maxErrors }),
    onConflict: flags.onConflict,
    ...(flags.key === undefined ? {} : { key: flags.key }),
    empty: flags.empty,
    cascade: flags.cascade ?? false,
    atomic: flags.atomic ?? false,
    dryRun: flags.dryRun ?? false,
    ...modeOf(flags),
  };
}

/**
 * An import that continues uses the options that were stored.
 * @throws SluiceError if an option was given that says something else
 */
async function checkStated(target: Target, { stated, ...flags }: ImportFlags, options: ImportOptions): Promise<void> {
  await target.start();
  const [entry] = (await hasLedger(target)) ? await findImports(target, { id: flags.resume }) : [];
  if (!entry) return; // which the import says
  const { table: _, method: __, onConflict, key, empty, ...rest } = options;
  const given = {
    ...rest,
    ...(stated.has("table") ? { table: flags.table } : {}),
    // Before the first chunk any method will do.
    ...(stated.has("method") && entry.totals.total > 0 ? { method: flags.method } : {}),
    ...(stated.has("onConflict") ? { onConflict } : {}),
    ...(stated.has("key") ? { key } : {}),
    ...(stated.has("empty") ? { empty } : {}),
  };
  const differences = contradictions(entry, given);
  if (differences.length === 0) return;
  throw usageError(
    "resume_differs",
    `the import ${entry.id} was begun otherwise, and goes on as it was begun: ${differences.join("; ")}. Leave out what differs, or import anew with --resume never.`,
  );
}

/** The sheets of `--sheet all`, and the tables that they go to. */
async function partsOf(workbook: Workbook, options: ImportOptions, flags: ImportFlags): Promise<Part[]> {
  const { sheets, notes } = await sheetsToImport(workbook, { ...options, file: options.fileName ?? options.file });
  if (!flags.json && !flags.quiet) for (const note of notes) await print(`Note: ${note}`);
  return sheets.map(({ sheet, table, alike }) => ({
    sheet: sheet.name,
    alike,
    ...(table === undefined ? {} : { table }),
  }));
}

async function importSheet(
  { ctx, flags, rejects, progress, tables }: Call,
  options: ImportOptions,
  schemaFile: string | undefined,
): Promise<number> {
  try {
    const result = await runImport(ctx, {
      ...options,
      onProgress: (all) => progress.show(all),
      // A user who does not want a file of the rejects need not wait for all of them to be read.
      ...(rejects ? { onRejects: (list, headers, begun) => rejects.write(headers, list, begun) } : {}),
      // What this command made a moment ago is there, and gets more.
      ...(tables.has(tableName(options, options.fileName ?? options.file)) ? { mode: "append" as const } : {}),
    });
    if (!flags.dryRun) tables.add(result.table);
    rejects?.add(result, schemaFile);
    progress.clear();
    const written = await failureOf(say(result, options.target, flags, schemaFile));
    if (written !== undefined) console.error(`error: ${describeError(written).message}\n${kept(result, flags)}`);
    if (result.interrupted) return 130;
    return written !== undefined ? 1 : result.rejected > 0 ? 3 : 0;
  } catch (error) {
    progress.clear();
    const { file, fileName = file } = options;
    if (error instanceof FinishedError) {
      // As in the run that made the table: what comes next adds to it.
      if (error.plan.created) tables.add(error.result.table);
      rejects?.add(error.result, schemaFile);
    }
    return await fail(renamed(beforeTheFirstRow(error), file, fileName), flags, fileName);
  }
}

/** Prints the result. */
async function say(
  result: ImportResult,
  target: Target,
  flags: ImportFlags,
  schemaFile: string | undefined,
): Promise<void> {
  if (flags.json) await print(JSON.stringify({ target: target.name, ...toJson(result) }));
  else if (!flags.quiet) await print(report(result, target, flags, schemaFile).join("\n"));
}

/** The message about an import whose result could not be printed. */
function kept(result: ImportResult, flags: ImportFlags): string {
  if (flags.dryRun) return "It was a dry run: nothing of it is in the database.";
  const { id, file, table, total, inserted, updated, skipped, rejected } = result;
  const counts = `${count(inserted)} inserted, ${count(updated)} updated, ${count(skipped)} skipped, ${count(rejected)} rejected`;
  return [
    `The import ${id} of ${file} is ${result.interrupted ? "interrupted" : "finished"}: of ${count(total)} rows ${counts}. Those in the table "${table}" stay there.`,
    result.interrupted
      ? `Go on with:  ${resumeCommand(file, id, flags)}`
      : `Its result once more:  ${showCommand(id, flags)}`,
  ].join("\n");
}

/**
 * The error of an interruption that came before there was a result: the file was still looked at,
 * or the import waited for a lock, and nothing was changed.
 */
function beforeTheFirstRow(error: unknown): unknown {
  if (!isInterrupted(error)) return error;
  const message = `${(error as Error).message}, before the first row: nothing was changed.\nGo on with: the same command again`;
  return new SluiceError(INTERRUPTED, message, { exitCode: 130, cause: error });
}

/** Exit codes, the worst last. */
const EXITS = [0, 3, 4, 2, 1, 130];

/** The exit code of two imports. */
function worse(one: number, two: number): number {
  return EXITS.indexOf(two) > EXITS.indexOf(one) ? two : one;
}

function modeOf({ create, append, replace }: ImportFlags): { mode?: "create" | "append" | "replace" } {
  return create ? { mode: "create" } : append ? { mode: "append" } : replace ? { mode: "replace" } : {};
}

async function fail(error: unknown, flags: ImportFlags, file?: string): Promise<number> {
  const { code, message, exitCode } = describeError(error);
  const json = JSON.stringify({
    ...(file === undefined ? {} : { file }),
    error: { code, message },
    ...(error instanceof FinishedError ? { result: toJson(error.result) } : {}),
  });
  if (!flags.json || (await failureOf(print(json))) !== undefined) console.error(`error: ${asTyped(message, flags)}`);
  showStack(error, code);
  return exitCode;
}

function toJson({ milliseconds, ...result }: ImportResult): Record<string, unknown> {
  const rowsPerSecond = rate(result.inserted + result.updated + result.skipped, milliseconds);
  // A dry run is in no ledger, so nothing knows it by an id.
  const id = result.id === "" ? null : result.id;
  return { milliseconds: Math.round(milliseconds), rowsPerSecond, ...result, id };
}

function report(result: ImportResult, target: Target, flags: ImportFlags, schemaFile: string | undefined): string[] {
  const { inserted, updated, skipped, rejected, total } = result;
  const lines = [`${result.file}, sheet "${result.sheet}" → table ${result.table} in ${target.name}`];
  const through = inserted + updated + skipped;
  const speed = `in ${goDuration(result.milliseconds)} (${count(rate(through, result.milliseconds))} rows/s, ${result.method})`;
  if (result.interrupted) lines.push(`Interrupted after ${count(through)} ${through === 1 ? "row" : "rows"} ${speed}.`);
  else
    lines.push(
      `${flags.dryRun ? "Would import" : "Imported"} ${count(inserted + updated)} of ${count(total)} ${total === 1 ? "row" : "rows"} ${speed}.${rowsThere(result, flags)}`,
    );
  if (schemaFile !== undefined) lines.push(`Schema: ${schemaFile}`);
  else lines.push(...typesLine(result));
  for (const note of result.notes) lines.push(`Note: ${asTyped(note, flags)}`);
  if (updated > 0) lines.push(`${count(updated)} ${updated === 1 ? "row was" : "rows were"} updated.`);
  if (skipped > 0) {
    const why =
      flags.onConflict === "skip"
        ? "their key was in the table, or a trigger left them out"
        : "a trigger left them out";
    lines.push(`${count(skipped)} ${skipped === 1 ? "row was" : "rows were"} skipped: ${why}.`);
  }
  if (rejected > 0) lines.push("", ...rejectLines(result, flags));
  if (!flags.dryRun) lines.push(...nextCommand(result, flags));
  return lines;
}

/** The command that continues an interrupted import, or shows the rows of a finished one. */
function nextCommand({ interrupted, inserted, updated, table, file, id }: ImportResult, flags: ImportFlags): string[] {
  if (interrupted) {
    const kept = inserted + updated > 0 ? "The rows that are in stay in." : untouched(table);
    return ["", `${kept} Go on with:  ${resumeCommand(file, id, flags)}`];
  }
  if (serverAddress(flags) !== undefined) return [];
  const folder = flags.data === "./sluice-data" ? "" : ` --data ${flags.data}`;
  const rows = `select * from ${JSON.stringify(table).replaceAll('"', "")} limit 5`;
  return ["", `Look at them:  ${COMMAND} sql${folder} ${JSON.stringify(rows)}`];
}

/** The types of a table that the import made, in one line. */
function typesLine({ assumptions }: ImportResult): string[] {
  const types = assumptions.find(({ about }) => about === "types");
  if (!types) return [];
  const all = types.said.split(", ");
  const rest =
    all.length > TYPES_SHOWN ? `, and ${count(all.length - TYPES_SHOWN)} more (sluice preview shows them)` : "";
  return [`Types: ${all.slice(0, TYPES_SHOWN).join(", ")}${rest}`];
}

/** The part about rows that are in the table already, for the line that says what was imported. */
function rowsThere({ updated, skipped, reasons, notes, inserted }: ImportResult, flags: ImportFlags): string {
  const there = (n: number, what: string): string =>
    n === 0 ? "" : ` ${count(n)} ${n === 1 ? "was" : "were"} in the table already${what}.`;
  if (flags.onConflict === "update")
    return there(updated, flags.dryRun ? " and would be updated" : " and were updated");
  if (flags.onConflict === "skip") return there(skipped, ` and ${flags.dryRun ? "would be" : "were"} skipped`);
  const twice =
    inserted > 0 &&
    !flags.replace &&
    notes.some((note) => note.startsWith(IMPORTED_BEFORE) && !/, and |, with /.test(note));
  if (twice) return " This file was imported before, so its rows are in the table twice.";
  return there(
    reasons["unique_violation"] ?? 0,
    ", or came twice, and were rejected (--on-conflict skip leaves such rows out, --on-conflict update writes over them)",
  );
}

function rejectLines(result: ImportResult, flags: ImportFlags): string[] {
  const reasons = Object.entries(result.reasons).sort(([, a], [, b]) => b - a);
  const lines = [
    `${count(result.rejected)} ${result.rejected === 1 ? "row was" : "rows were"} rejected: ${reasons.map(([code, n]) => `${count(n)} × ${code}`).join(", ")}`,
  ];
  const shown = result.rejects.slice(0, SHOWN);
  const width = Math.max(...shown.map((reject) => String(reject.row).length));
  for (const reject of shown) lines.push(`  row ${String(reject.row).padStart(width)}  ${rejectText(reject)}`);
  const rest = result.rejected - shown.length;
  const more = rest > 0 ? `  … and ${count(rest)} more. ` : "";
  // If they are written to a file, closing the file says what to do next.
  if (flags.rejects !== undefined) return rest > 0 ? [...lines, more.trimEnd()] : lines;
  const next = flags.dryRun
    ? `All of them, with their cells:  ${rejectsOfDryRun()}`
    : `All of them, to repair and import again:  ${rejectsCommand(result.id, flags)}`;
  return [...lines, more + next];
}

/**
 * The progress of an import: on a terminal one line that is overwritten, elsewhere a line from time
 * to time. It goes to standard error, so that results can be piped.
 */
class ProgressLine {
  readonly #on: boolean;
  readonly #terminal: boolean;
  /** Counts from the first chunk, so that a short import prints nothing. */
  #last: number | undefined;
  #drawn = false;
  #text = "";
  #waiting = false;

  constructor(flags: ImportFlags) {
    this.#on = !flags.quiet && !flags.json;
    this.#terminal = process.stderr.isTTY;
  }

  /** Says for whom statements wait, and when that is over. */
  wait(waits: readonly Wait[]): void {
    if (!this.#on) return;
    this.clear();
    this.#waiting = waits.length > 0;
    sayWaits(waits);
    if (this.#terminal && this.#text !== "") this.#draw();
  }

  show(progress: Progress): void {
    const now = performance.now();
    this.#last ??= now;
    if (!this.#on || now - this.#last < (this.#terminal ? 100 : PLAIN_LINE_MS)) return;
    this.#last = now;
    const { inserted, updated, skipped, rejected, milliseconds, fraction } = progress;
    const seconds = fraction > 0.01 ? Math.round(((milliseconds / fraction) * (1 - fraction)) / 1000) : 0;
    const left = seconds > 0 ? `, ${goDuration(seconds * 1000)} left` : "";
    const bad = rejected > 0 ? `, ${count(rejected)} rejected` : "";
    const bar = this.#terminal ? `[${"=".repeat(Math.floor(fraction * BAR)).padEnd(BAR)}] ` : "";
    const there = skipped > 0 ? `, ${count(skipped)} skipped` : "";
    const counts = `${count(inserted + updated)} rows in${there}${bad}`;
    const speed = rate(inserted + updated + skipped, milliseconds);
    const rows = `${bar}${Math.floor(fraction * 100)} %, ${counts}, ${count(speed)} rows/s${left}`;
    this.#text = progress.phase === "indexes" ? `${counts}, building indexes` : rows;
    this.#draw();
  }

  #draw(): void {
    const text = `${this.#text}${this.#waiting ? ", waiting for a lock" : ""}`;
    process.stderr.write(this.#terminal ? `\r\u001B[K${text}` : `${text}\n`);
    this.#drawn = this.#terminal;
  }

  clear(): void {
    if (this.#drawn) process.stderr.write("\r\u001B[K");
    this.#drawn = false;
  }
}
