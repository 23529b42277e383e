// `sluice imports`: what the ledger knows, as a table, as one import's page, or as JSON.
//
//   sluice imports                 the last hundred, one line each (table)
//   sluice imports ID              one of them (page), or its rejects as a file
//   sluice imports cancel ID       ends it: its rows stay, and it never continues
//   sluice imports delete ID       deletes its history: its rows stay
//   sluice imports take-back ID    counts its rows; with --yes, deletes them from the table
//
// All of them need a database that exists already: none of them makes one. They return 0, or throw.
import { goDuration } from "../duration.ts";
import { SluiceError, usageError } from "../errors.ts";
import {
  cancelImport,
  deleteImport,
  importDetails,
  isOpen,
  listImports,
  pruneImports,
  type Details,
  type Summary,
} from "../ledger/history.ts";
import { findImports, rejectsOf } from "../ledger/ledger.ts";
import { headersOf } from "../plan/plan.ts";
import { inLines } from "../printable.ts";
import { RejectFile } from "../rejects/file.ts";
import { lookAtRows, takeBack } from "../run/take-back.ts";
import type { Target } from "../target.ts";
import { COMMAND } from "./command.ts";
import { asTyped, connectExisting, placeOf, resumeCommand, type TargetFlags } from "./common.ts";
import { columns, count } from "./format.ts";

export interface ImportsFlags extends TargetFlags {
  readonly json?: boolean;
  readonly keepHistory?: number;
  readonly rejects?: string;
  readonly rawRejects?: boolean;
}

export interface CancelFlags extends TargetFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** The list, or one import. */
export async function importsCommand(id: string | undefined, flags: ImportsFlags): Promise<number> {
  await using target = await connectExisting(flags);
  if (flags.keepHistory !== undefined) {
    const pruned = await pruneImports(target, flags.keepHistory);
    if (!flags.json) console.log(`Deleted the history of ${count(pruned)} ${pruned === 1 ? "import" : "imports"}.`);
  }
  if (flags.rejects !== undefined) {
    if (id === undefined)
      throw usageError(
        "no_import",
        "--rejects needs the import whose rejects it is to write: sluice imports ID --rejects FILE",
      );
    const written = await writeRejects(target, id, new RejectFile(flags.rejects, !flags.rawRejects));
    if (!flags.json)
      console.log(`Wrote ${count(written)} rejected ${written === 1 ? "row" : "rows"} to ${flags.rejects}.`);
  } else if (id === undefined) {
    const list = await listImports(target);
    console.log(flags.json ? JSON.stringify(list) : table(list).join("\n"));
  } else {
    const details = await importDetails(target, id);
    console.log(flags.json ? JSON.stringify(details) : page(details, flags, target.name).join("\n"));
  }
  return 0;
}

/** Writes all rejects that the ledger has of an import; returns how many. */
async function writeRejects(target: Target, id: string, rejects: RejectFile): Promise<number> {
  await using file = rejects;
  await file.check();
  await importDetails(target, id);
  const [entry] = await findImports(target, { id });
  const headers = headersOf(entry!.plan, id);
  let written = 0;
  await file.write(headers, []);
  for await (const page of rejectsOf(target, id, entry!)) {
    await file.write(headers, page);
    written += page.length;
  }
  return written;
}

/** Ends an import, and shows it as it is then. */
export async function cancelCommand(id: string, flags: CancelFlags): Promise<number> {
  await using target = await connectExisting(flags);
  const details = await cancelImport(target, id, flags.force);
  if (flags.json) console.log(JSON.stringify(details));
  else console.log([...page(details, flags, target.name), ...(await whatStays(target, details, flags))].join("\n"));
  return 0;
}

/** The rows that a cancelled import leaves in its table, and how they are taken out. */
async function whatStays(
  target: Target,
  { id, inserted, updated, table }: Details,
  flags: TargetFlags,
): Promise<string[]> {
  const rows = inserted + updated;
  if (rows === 0) return [];
  const [stays, them] = rows === 1 ? ["1 row of it stays", "it"] : [`${count(rows)} rows of it stay`, "them"];
  const lines = ["", `${stays} in the table "${inLines(table)}". The same file would put ${them} in once more.`];
  try {
    await lookAtRows(target, id);
    return [...lines, `Take ${them} back:  ${COMMAND} imports take-back ${id} --yes${placeOf(flags)}`];
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return [...lines, `Note: ${asTyped(error.message, flags)}`];
  }
}

export interface DeleteFlags extends TargetFlags {
  readonly force?: boolean;
}

/** Deletes the history of an import, and says what that means for its rows. */
export async function deleteCommand(id: string, flags: DeleteFlags): Promise<number> {
  await using target = await connectExisting(flags);
  const { inserted, updated } = await deleteImport(target, id, flags.force ?? false);
  const any = inserted + updated > 0;
  const rows = any ? "The rows that it put into the table are still there." : "It has no rows in the table.";
  console.log(`Deleted the history of import ${id}. ${rows}`);
  if (any)
    console.log("Nothing tells any more that they are in: if the same file is imported again, its rows go in again.");
  return 0;
}

export interface TakeBackFlags extends TargetFlags {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Shows which rows would be taken back, or takes them back. */
export async function takeBackCommand(id: string, flags: TakeBackFlags): Promise<number> {
  await using target = await connectExisting(flags);
  const found = await lookAtRows(target, id);
  if (flags.yes) await takeBack(target, id);
  if (flags.json) {
    console.log(JSON.stringify({ ...found, done: flags.yes ?? false }));
    return 0;
  }
  const rows = `${count(found.rows)} ${found.rows === 1 ? "row" : "rows"}`;
  const from = `of the import ${id} out of the table "${inLines(found.table)}" in ${target.name}`;
  for (const note of found.notes) console.log(`Note: ${note}`);
  if (flags.yes) {
    console.log(`Took ${rows} ${from} back. The same file can be imported again.`);
  } else {
    const all =
      found.rows === 1
        ? `The one row ${from} can be taken back: it is`
        : `All ${rows} ${from} can be taken back: they are`;
    console.log(`${all} as the import wrote ${found.rows === 1 ? "it" : "them"}. Nothing was changed now.`);
    console.log(`Take them back:  ${COMMAND} imports take-back ${id} --yes${placeOf(flags)}`);
  }
  return 0;
}

/** A running import that nobody works on was interrupted. */
function stateOf({ state, active }: Summary): string {
  return state === "running" && !active ? "interrupted" : state;
}

/** The list, as lines with columns. */
function table(list: readonly Summary[]): string[] {
  if (list.length === 0) return ["No imports yet."];
  const rows = list.map((one) => [
    one.id,
    one.startedAt.slice(0, 16).replace("T", " "),
    stateOf(one),
    ...[one.inserted, one.updated, one.skipped, one.rejected].map(count),
    one.table,
    one.file,
  ]);
  const head = ["id", "started (UTC)", "state", "inserted", "updated", "skipped", "rejected", "table", "file"];
  return columns([head, ...rows], [false, false, false, true, true, true, true]);
}

/** One import, as lines with a name and a value. */
function page(one: Details, flags: TargetFlags, target: string): string[] {
  const took = one.finishedAt === null ? undefined : Date.parse(one.finishedAt) - Date.parse(one.startedAt);
  const reasons = Object.entries(one.reasons).map(([code, n]) => `${count(n)} × ${code}`);
  const unfinished = isOpen(one);
  const lines = [
    ["import", one.id],
    ["state", stateOf(one)],
    ["file", `${one.file}, sheet "${one.sheet}"`],
    ["content", `SHA-256 ${one.contentHash}`],
    ["table", `${one.table} in ${target}`],
    ["method", one.method],
    ["started", one.startedAt],
    ...(one.finishedAt === null ? [] : [["ended", `${one.finishedAt}, after ${goDuration(took!)}`]]),
    [
      "rows",
      ["inserted", "updated", "skipped", "rejected"].map((key) => `${count(one[key as "inserted"])} ${key}`).join(", "),
    ],
    ...(reasons.length === 0 ? [] : [["rejected", reasons.join(", ")]]),
    ["chunks", `${count(one.chunks.done)} done of ${count(one.chunks.begun)} begun`],
    [
      "process",
      `${one.active ? "" : "was "}${one.owner.replace(/^process /, "")}${one.epoch === 1 ? "" : `, the ${ordinal(one.epoch)} to have it`}`,
    ],
    ...one.indexes.map((ddl) => ["not built", ddl]),
    ...(one.message === null ? [] : [["message", one.message]]),
    ...(unfinished && !one.active
      ? [["go on with", resumeCommand(one.file, one.id, { ...flags, rejects: undefined })]]
      : []),
  ];
  return columns(lines);
}

/**
 * `second`, `third`, `4th`: epochs count the processes that have had an import, and few have more.
 */
function ordinal(n: number): string {
  return n === 2 ? "second" : n === 3 ? "third" : `${n}th`;
}
