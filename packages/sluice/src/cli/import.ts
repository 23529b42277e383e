// `sluice import`: opens the database, imports each file, and says what was done.
import type { Context } from "@sluice/go/context";
import { goDuration } from "../duration.ts";
import { describeError } from "../errors.ts";
import { runImport, type ImportResult, type Method, type Progress } from "../import.ts";
import { RejectFile, type Reject } from "../reject.ts";
import { loadSchema, schemaBeside } from "../schema-file.ts";
import type { Target } from "../targets/target.ts";
import { connect, interruptible, serverAddress, showStack, type TargetFlags } from "./common.ts";
import { count, rate } from "./format.ts";

export interface ImportFlags extends TargetFlags {
  readonly table?: string;
  readonly sheet?: string;
  readonly method: Method;
  readonly workers?: number;
  readonly batchSize: number;
  readonly chunkRows: number;
  readonly schema?: string;
  readonly map: ReadonlyMap<string, string>;
  readonly create?: boolean;
  readonly append?: boolean;
  readonly migrate?: boolean;
  readonly rejects?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** How many rejects are shown where people read. */
const SHOWN = 10;
/** How often lines of progress are printed where there is no terminal. */
const PLAIN_LINE_MS = 5000;
/** Characters of the progress bar. */
const BAR = 24;

/** Returns the exit code: 0 all in, 3 some rows rejected, 1 failed, 2 usage, 130 interrupted. */
export async function importCommand(files: readonly string[], flags: ImportFlags): Promise<number> {
  let worst = 0;
  try {
    return await interruptible(async (ctx) => {
      const onCreate = (): void => {
        if (flags.quiet || flags.json) return;
        console.error(`Making the embedded PostgreSQL in ${flags.data}: some seconds, the first time only.`);
      };
      await using target = await connect(flags, { connections: flags.workers, onCreate });
      await using rejects = flags.rejects === undefined ? undefined : new RejectFile(flags.rejects);
      await rejects?.check();
      for (const file of files) {
        const code = await importOne(ctx, file, target, rejects, flags);
        if (code === 130) return code;
        if (worst !== 1) worst = code === 0 ? worst : code;
      }
      return worst;
    });
  } catch (error) {
    return fail(error, flags);
  }
}

async function importOne(
  ctx: Context,
  file: string,
  target: Target,
  rejects: RejectFile | undefined,
  flags: ImportFlags,
): Promise<number> {
  const bar = new ProgressLine(flags);
  try {
    const schemaFile = flags.schema ?? schemaBeside(file);
    const schema = schemaFile === undefined ? undefined : await loadSchema(schemaFile);
    const result = await runImport(ctx, {
      file,
      fileName: file,
      target,
      method: flags.method,
      batchSize: flags.batchSize,
      chunkRows: flags.chunkRows,
      map: flags.map,
      migrate: flags.migrate ?? false,
      onProgress: (progress) => bar.show(progress),
      onRejects: (list) => rejects?.write(list),
      ...(flags.table === undefined ? {} : { table: flags.table }),
      ...(flags.sheet === undefined ? {} : { sheet: flags.sheet }),
      ...(flags.workers === undefined ? {} : { workers: flags.workers }),
      ...(schema === undefined ? {} : { schema }),
      ...(flags.create ? { mode: "create" as const } : flags.append ? { mode: "append" as const } : {}),
    });
    // An import without rejects leaves the header line, not an earlier report.
    await rejects?.write([]);
    bar.clear();
    if (flags.json) console.log(JSON.stringify(toJson(result, target)));
    else if (!flags.quiet) console.log(report(result, target, flags, schemaFile).join("\n"));
    if (result.interrupted) return 130;
    return result.rejected > 0 ? 3 : 0;
  } catch (error) {
    bar.clear();
    return fail(error, flags, file);
  }
}

function fail(error: unknown, flags: ImportFlags, file?: string): number {
  const { code, message, exitCode } = describeError(error);
  if (flags.json) console.log(JSON.stringify({ ...(file === undefined ? {} : { file }), error: { code, message } }));
  else console.error(`error: ${message}`);
  showStack(error, code);
  return exitCode;
}

function toJson({ milliseconds, ...result }: ImportResult, target: Target): Record<string, unknown> {
  const rowsPerSecond = rate(result.inserted, milliseconds);
  return { target: target.name, milliseconds: Math.round(milliseconds), rowsPerSecond, ...result };
}

function report(result: ImportResult, target: Target, flags: ImportFlags, schemaFile: string | undefined): string[] {
  const { inserted, skipped, rejected, total } = result;
  const lines = [`${result.file}, sheet "${result.sheet}" → table ${result.table} in ${target.name}`];
  const speed = `in ${goDuration(result.milliseconds)} (${count(rate(inserted, result.milliseconds))} rows/s, ${result.method})`;
  if (result.interrupted) lines.push(`Interrupted after ${count(inserted)} rows ${speed}.`);
  else lines.push(`Imported ${count(inserted)} of ${count(total)} ${total === 1 ? "row" : "rows"} ${speed}.`);
  if (schemaFile !== undefined) lines.push(`Schema: ${schemaFile}`);
  for (const note of result.notes) lines.push(`Note: ${note}`);
  if (skipped > 0)
    lines.push(`${count(skipped)} ${skipped === 1 ? "row was" : "rows were"} left out by a trigger of the table.`);
  if (rejected > 0) lines.push("", ...rejectLines(result, flags));
  if (result.interrupted) {
    lines.push(
      "",
      `The rows that are in stay in. To do it over: empty or drop the table ${result.table}, then run the same command again.`,
    );
  } else if (serverAddress(flags) === undefined) {
    const folder = flags.data === "./sluice-data" ? "" : ` --data ${flags.data}`;
    lines.push(
      "",
      `Look at them:  npx sluice sql${folder} ${JSON.stringify(`select * from ${JSON.stringify(result.table).replaceAll('"', "")} limit 5`)}`,
    );
  }
  return lines;
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
  if (flags.rejects !== undefined)
    lines.push(`All of them, with row, column, value, code and reason: ${flags.rejects}`);
  else lines.push(`${rest > 0 ? `  … and ${count(rest)} more. ` : ""}--rejects FILE.csv writes all of them to a file.`);
  return lines;
}

function rejectText(reject: Reject): string {
  const value =
    reject.value === undefined
      ? ""
      : ` ${JSON.stringify(reject.value.length > 60 ? `${reject.value.slice(0, 60)}…` : reject.value)}`;
  return `${reject.code}: ${reject.column === undefined ? "" : `${reject.column}${value}: `}${reject.reason}`;
}

/** One line that is written over on a terminal; a line now and then elsewhere. Standard error, so that results can be piped. */
class ProgressLine {
  readonly #on: boolean;
  readonly #terminal: boolean;
  /** Counts from the first chunk, so that a short import prints nothing. */
  #last: number | undefined;
  #drawn = false;

  constructor(flags: ImportFlags) {
    this.#on = !flags.quiet && !flags.json;
    this.#terminal = process.stderr.isTTY;
  }

  show(progress: Progress): void {
    const now = performance.now();
    this.#last ??= now;
    if (!this.#on || now - this.#last < (this.#terminal ? 100 : PLAIN_LINE_MS)) return;
    this.#last = now;
    const { inserted, rejected, milliseconds, fraction } = progress;
    const seconds = fraction > 0.01 ? Math.round(((milliseconds / fraction) * (1 - fraction)) / 1000) : 0;
    const left = seconds > 0 ? `, ${goDuration(seconds * 1000)} left` : "";
    const bad = rejected > 0 ? `, ${count(rejected)} rejected` : "";
    const bar = this.#terminal ? `[${"=".repeat(Math.floor(fraction * BAR)).padEnd(BAR)}] ` : "";
    const rows = `${bar}${Math.floor(fraction * 100)} %, ${count(inserted)} rows in${bad}, ${count(rate(inserted, milliseconds))} rows/s${left}`;
    const text = progress.phase === "indexes" ? `${count(inserted)} rows in${bad}, building indexes` : rows;
    process.stderr.write(this.#terminal ? `\r\u001B[K${text}` : `${text}\n`);
    this.#drawn = this.#terminal;
  }

  clear(): void {
    if (this.#drawn) process.stderr.write("\r\u001B[K");
    this.#drawn = false;
  }
}
