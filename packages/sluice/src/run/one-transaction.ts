// Imports in one transaction: all rows at once or none, and the dry run, which is undone in the
// end.
import { watchRefusals } from "./all-refused.ts";
import { describeError, failureOf } from "../errors.ts";
import { cannotChange, cannotCreate, nothingLeft, tooManyErrors } from "./failure.ts";
import { expectAlone, reasonsOf, rejectsOf } from "../ledger/ledger.ts";
import { assumptionsOf } from "../plan/assumptions.ts";
import type { Plan } from "../plan/plan.ts";
import { NOTHING_YET } from "../ledger/resume.ts";
import { planOf } from "../plan/method.ts";
import { runPipeline } from "./pipeline.ts";
import type { Loading, Run } from "./run.ts";
import { prepareTable, type Prepared } from "../plan/prepare.ts";
import { FirstRejects } from "../reject.ts";
import { emptyTable } from "./replace.ts";
import { indexDdl } from "../schema/schema.ts";
import { ShortLines } from "./short-lines.ts";
import { Tally } from "./progress.ts";
import { foreignNotes } from "../plan/foreign.ts";
import { withCatalogue } from "../plan/catalogue.ts";
import { nextOf } from "../database/sequences.ts";
import { quoteIdentifier, quoteTable } from "../schema/identifiers.ts";
import { isDatabaseError, SESSION_REJECTS, type Session } from "../target.ts";
import type { ImportResult } from "../options.ts";

/**
 * Loads all rows into a session's transaction; returns what else there is to say when that has been
 * committed.
 *
 * @param id of the import, or empty in a rehearsal
 */
export async function loadWhole(loading: Loading, session: Session, id: string): Promise<string[]> {
  const { ctx, plan, tally, options } = loading;
  const verb = (rows: number): string => (id === "" ? "would be" : rows === 1 ? "is" : "are");
  const alone = async (): Promise<void> =>
    id === "" ? undefined : await expectAlone(session, plan.table, id, options.target.exclusive);
  if (plan.replace) await alone();
  const emptied = plan.replace ? await emptyTable(session, plan.table, options.cascade ?? false, verb) : undefined;
  // One may have begun since.
  if (plan.replace) await alone();
  const rejects = id === "" ? SESSION_REJECTS : "sluice.rejects";
  const allRefused = watchRefusals(loading, session, rejects, id);
  ({ records: tally.records } = await runPipeline(loading, {
    // One connection has the transaction, so there is one loader. Nothing of an earlier attempt is
    // in.
    loaders: 1,
    isDone: () => false,
    commit: async (encoded) => {
      tally.add(await session.put(encoded.chunk, encoded.rejects), undefined);
      const failure = tooManyErrors(tally, options) ?? (await allRefused());
      if (!failure) return;
      // Why it was stopped is in the rejects, which go when the transaction does.
      await passOn(session, id, loading);
      throw failure;
    },
  }));
  if (emptied && emptied.rows > 0 && ctx.err() === undefined && tally.records > 0 && tally.rejected === tally.records) {
    await passOn(session, id, loading);
    throw nothingLeft(plan, tally, await reasonsOf(session, id, rejects));
  }
  return [...(emptied?.notes ?? [])];
}

/**
 * Does everything in a transaction that is undone in the end.
 *
 * The steps are those of an import: the table is made or changed, the rows go in, the sequences are
 * looked at, the indexes are built. Rejects are passed on before the end, because they are in a
 * temporary table of the transaction.
 */
export async function rehearse(
  run: Run,
): Promise<{ readonly result: ImportResult; readonly unheld: Prepared["unheld"] }> {
  const { ctx, source, names, options, started } = run;
  const { target } = options;
  const prepared = await prepareTable(target, source, names, options);
  const { rules } = await source.found();
  const plan = planOf(prepared, rules, options);
  const tally = new Tally(started, source.progress, options, NOTHING_YET);
  const notes = [...run.notes, ...prepared.notes, ...prepared.changes];
  await source.startWith(rules);
  const short = run.isText ? new ShortLines(source, plan) : undefined;
  const first = new FirstRejects();
  let reasons: Record<string, number> = {};
  let made = false;
  const rehearsal = target.atomically(undefined, async (session) => {
    for (const ddl of prepared.ddl) await session.query(ddl);
    made = true;
    const whole = await withCatalogue(session, plan);
    const next = await nextOf(session, whole.sequences ?? []);
    const loading = { ...run, plan: whole, rows: short ?? source, tally };
    notes.push(...foreignNotes(whole), ...(await loadWhole(loading, session, "")));
    notes.push(...(await sequencesAhead(session, whole, next)));
    if (prepared.indexes.length > 0) tally.report("indexes");
    for (const index of prepared.indexes) notes.push(...(await tryIndex(session, indexDdl(index, plan.table))));
    await passOn(session, "", loading, first);
    reasons = await reasonsOf(session, "", SESSION_REJECTS);
  });
  const failure = await failureOf(rehearsal);
  if (failure !== undefined && ctx.err() === undefined) {
    const creating = prepared.created && !made && isDatabaseError(failure);
    throw await (creating ? cannotCreate(plan.table, target, failure) : cannotChange(target, failure));
  }
  notes.push(
    ...source.notes(),
    ...(short?.notes() ?? []),
    ...first.notes(),
    "this was a dry run: nothing of it is in the database",
  );
  const result = {
    id: "",
    ...names,
    table: plan.table,
    method: plan.method,
    ...tally.totals,
    milliseconds: performance.now() - started,
    reasons,
    rejects: first.list,
    assumptions: assumptionsOf(plan, names.sheet),
    notes,
    interrupted: ctx.err() !== undefined,
  };
  return { result, unheld: prepared.unheld };
}

/** Builds an index; returns the note that the import itself would make if that is refused. */
async function tryIndex(session: Session, ddl: string): Promise<string[]> {
  await session.query("savepoint index");
  const refused = await failureOf(session.query(ddl));
  if (refused === undefined) return [];
  await session.query("rollback to savepoint index");
  return [`would not be built: ${ddl} (${describeError(refused).message})`];
}

/** The notes that the import itself would make about the sequences that it moves. */
async function sequencesAhead(
  session: Session,
  { table, sequences = [] }: Plan,
  next: ReadonlyMap<string, bigint>,
): Promise<string[]> {
  const notes: string[] = [];
  for (const { name, column, descending } of sequences) {
    const far = `${descending ? "min" : "max"}(${quoteIdentifier(column)})`;
    const { rows } = await session.query(`select ${far}::text from ${quoteTable(table)}`);
    const [id, upcoming] = [rows[0]?.[0], next.get(name)];
    if (id === null || id === undefined || upcoming === undefined) continue;
    if (descending ? BigInt(id) <= upcoming : BigInt(id) >= upcoming)
      notes.push(`the sequence ${name} would be moved past the values that the sheet brings for "${column}"`);
  }
  return notes;
}

/** The consumer of an import's rejects, and the names that they get. */
type Rejecting = Pick<Loading, "options" | "names"> & {
  readonly plan: Pick<Plan, "headers">;
  /** The moment at which the import began, if it had finished before it was asked for. */
  readonly begun?: Date | undefined;
  /** There are none, as the ledger's counts say. */
  readonly none?: boolean;
};

/** Passes on all rejects of an import that the ledger has, or, without an id, a rehearsal's. */
export async function passOn(
  session: Pick<Session, "query">,
  id: string,
  { plan, options: { onRejects }, names, begun, none = false }: Rejecting,
  first: FirstRejects = new FirstRejects(),
): Promise<void> {
  await onRejects?.([], plan.headers, begun);
  if (none) return;
  for await (const page of rejectsOf(session, id, names, id === "" ? SESSION_REJECTS : undefined)) {
    first.add(page);
    await onRejects?.(page, plan.headers, begun);
    if (first.full && !onRejects) return;
  }
}
