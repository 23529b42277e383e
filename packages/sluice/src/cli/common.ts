// The parts that commands share: the choice of the database, and the end by Ctrl-C.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { background, withCancel, type Context } from "@sluice/go/context";
import type { AddedColumns, Assumption, Empty, OnConflict } from "../options.ts";
import { SluiceError } from "../errors.ts";
import { inLines, inOneLine } from "../printable.ts";
import { lockFolder } from "../database/lock.ts";
import { COMMAND, withCommands } from "./command.ts";
import { DEFAULT_FOLDER, openTarget, type TargetOptions } from "../database/open.ts";
import { pgliteExists } from "../database/folder.ts";
import type { Target, Wait } from "../target.ts";
import { describeWait } from "../database/waits.ts";

export interface TargetFlags {
  readonly to?: string;
  readonly data: string;
}

/** The server's address if the options mean a server: `--to`, else DATABASE_URL. */
export function serverAddress(flags: Pick<TargetFlags, "to">): string | undefined {
  return flags.to ?? (process.env["DATABASE_URL"] || undefined);
}

/**
 * The database that the options mean: `--to`, else DATABASE_URL, else the embedded one. Locks that
 * are waited for are told of.
 */
export async function connect(flags: TargetFlags, options: Omit<TargetOptions, "to" | "folder"> = {}): Promise<Target> {
  return openTarget({ onWait: sayWaits, ...options, to: serverAddress(flags), folder: flags.data });
}

/** Says on standard error for whom statements wait, and when that is over. */
export function sayWaits(waits: readonly Wait[]): void {
  for (const wait of waits) process.stderr.write(`Waiting for ${inOneLine(describeWait(wait))}. Ctrl-C stops it.\n`);
  if (waits.length === 0) process.stderr.write("The lock is free: going on.\n");
}

/** The same, for commands that need a database which exists. @throws SluiceError (`no_database`) */
export async function connectExisting(flags: TargetFlags): Promise<Target> {
  if (serverAddress(flags) === undefined && !pgliteExists(flags.data)) {
    // While it is being made, another process has it.
    if (existsSync(join(flags.data, "lock"))) lockFolder(flags.data)[Symbol.dispose]();
    throw new SluiceError(
      "no_database",
      `there is no embedded database in ${flags.data} yet. Import a file first, or name a server with --to postgres://…`,
    );
  }
  return connect(flags);
}

/** Options that an import which continues must be given again. */
export interface ResumeFlags {
  readonly schema?: string | undefined;
  /** The file for the rejects: those of all of the import. */
  readonly rejects?: string | undefined;
  readonly rawRejects?: boolean | undefined;
  readonly maxErrors?: number | undefined;
}

/** The command that continues an import. */
export function resumeCommand(file: string, id: string, flags: TargetFlags & ResumeFlags): string {
  // All else comes from the ledger; a schema file's checks are functions, which it cannot have.
  return [
    `${COMMAND} import ${fileWord(file)} --resume ${id}`,
    option("--schema", flags.schema),
    option("--rejects", flags.rejects),
    flags.rawRejects ? " --raw-rejects" : "",
    option("--max-errors", flags.maxErrors?.toString()),
    placeOf(flags),
  ].join("");
}

/** The command that shows the state of an import. */
export function showCommand(id: string, flags: TargetFlags): string {
  return `${COMMAND} imports ${id}${placeOf(flags)}`;
}

/**
 * The command that writes the rejects of an import to a file. A `.csv` file holds any of them; a
 * workbook has limits.
 */
export function rejectsCommand(id: string, flags: TargetFlags, file = "FILE.xlsx"): string {
  return `${COMMAND} imports ${id} --rejects ${file}${placeOf(flags)}`;
}

/** The command for all rejects of a dry run, which the ledger does not know. */
export function rejectsOfDryRun(file = "FILE.xlsx"): string {
  return `the same command again, with --dry-run --rejects ${file}`;
}

/**
 * A message of the engine with commands that can be typed here, which lead to the database of this
 * command. A command that has more options was made here, and leads there already.
 */
export function asTyped(text: string, flags: TargetFlags): string {
  const place = placeOf(flags);
  const one = /sluice imports (?:(?:cancel|delete|take-back) )?[\w-]{10,64}(?![\w-])(?: --(?:yes|force))?(?! --)/g;
  return withCommands(text.replaceAll(one, (command) => command + place));
}

/** The options that say what happens to a row, in any file. */
export interface RowFlags {
  readonly schema?: string | undefined;
  readonly map: ReadonlyMap<string, string>;
  readonly type: ReadonlyMap<string, string>;
  readonly onConflict: OnConflict;
  readonly key?: readonly string[];
  readonly empty: Empty;
  readonly null?: readonly string[];
  readonly timeZone?: string | undefined;
  readonly add?: AddedColumns;
}

/**
 * The options that state how an import read texts, if it found that in the file: a few repaired
 * rows may not show it any more. A schema file states it by itself.
 */
export function readAs(flags: RowFlags, assumptions: readonly Assumption[]): Pick<RowFlags, "type" | "null"> {
  const { schema, type, null: nulls = [] } = flags;
  if (schema !== undefined) return { type, null: nulls };
  const found = (about: Assumption["about"]): (readonly [string, string])[] =>
    assumptions.flatMap((one) => (one.about === about ? (one.values ?? []) : [])).map(atEquals);
  return {
    type: new Map([...found("notations").filter(([name]) => !type.has(name)), ...type]),
    null: [...nulls, ...found("marks").flatMap(([name, text]) => (nulls.includes(text) ? [] : [`${name}=${text}`]))],
  };
}

function atEquals(pair: string): readonly [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** The command that imports a file into a table as these options say. */
export function importCommandFor(file: string, table: string, flags: TargetFlags & RowFlags): string {
  const { schema, map, type, onConflict, key, empty, null: nulls = [], timeZone, add = new Map() } = flags;
  return [
    `${COMMAND} import ${fileWord(file)} --table ${shellWord(table)}`,
    option("--schema", schema),
    ...[...map].map((pair) => option("--map", pair.join("="))),
    ...[...type].map((pair) => option("--type", pair.join("="))),
    ...nulls.map((text) => option("--null", text)),
    option("--time-zone", timeZone),
    ...[...add].map(([origin, column]) => option("--add", origin === column ? origin : `${origin}=${column}`)),
    onConflict === "error" ? "" : option("--on-conflict", onConflict),
    option("--key", key?.join(",")),
    empty === "null" ? "" : option("--empty", empty),
    placeOf(flags),
  ].join("");
}

/** An option and its value, with a blank before them; empty if it has no value. */
function option(name: string, value: string | undefined): string {
  return value === undefined ? "" : ` ${name} ${shellWord(value)}`;
}

/**
 * The options that lead to the database. An address is shown as the user gave it, without its
 * password; one that cannot be read leads nowhere.
 */
export function placeOf(flags: TargetFlags): string {
  if (flags.to !== undefined && !URL.canParse(flags.to)) return "";
  if (flags.to !== undefined) return option("--to", withoutPassword(flags.to));
  return serverAddress(flags) === undefined && flags.data !== DEFAULT_FOLDER ? option("--data", flags.data) : "";
}

function withoutPassword(dsn: string): string {
  const url = new URL(dsn);
  url.password = "";
  url.searchParams.delete("password");
  return url.href;
}

/** The note about a schema file beside a spreadsheet that is not run. */
export function leftAside(file: string, why: string): string {
  return `the schema file ${inLines(file)} is not used, since ${inLines(why)}. A schema file is a program: look at it, then use it with --schema ${shellWord(inLines(file))}`;
}

/** The path of a file, which is not to be taken for an option. */
function fileWord(file: string): string {
  return shellWord(/^-./.test(file) ? `./${file}` : file);
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Something that nobody foresaw: its stack is for us, so it is shown on request only. */
export function showStack(error: unknown, code: string): void {
  if (code !== "internal" || !(error instanceof Error)) return;
  if (process.env["SLUICE_DEBUG"]) console.error(error.stack);
  else console.error("This is a mistake of the program, not yours. SLUICE_DEBUG=1 shows where it happened.");
}

/** Two signals closer than this are one Ctrl-C that came by two ways. */
const SAME_SIGNAL_MS = 500;

/** Ctrl-C, the end that a supervisor asks for, and the end of the terminal. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs with a context that any of the {@link SIGNALS} cancels. A second one ends the program at
 * once, with status 130.
 *
 * @param stopping what is being done until it has stopped
 * @param graceMs how long a second signal leaves to those who watch `halt`
 */
export async function interruptible<T>(
  run: (ctx: Context, halt: Context) => Promise<T>,
  { stopping = "finishing the chunks in flight", graceMs = 0 }: { stopping?: string; graceMs?: number } = {},
): Promise<T> {
  const [ctx, cancel] = withCancel(background());
  const [halt, cancelHalt] = withCancel(background());
  let first = 0;
  const onSignal = (): void => {
    if (first === 0) {
      first = performance.now();
      process.stderr.write(`\nStopping: ${stopping} (Ctrl-C again to quit at once)\n`);
      cancel();
    } else if (performance.now() - first > SAME_SIGNAL_MS) {
      if (graceMs === 0) process.exit(130);
      cancelHalt();
      setTimeout(() => process.exit(130), graceMs);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await run(ctx, halt);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    cancel();
    cancelHalt();
  }
}
