// Imports in one transaction: all rows at once or none, and the dry run, which is undone in the end.
import type { Context } from "@sluice/go/context";
import { watchRefusals } from "./all-refused.ts";
import { failureOf } from "./errors.ts";
import { cannotCreate, nothingLeft, tooManyErrors } from "./explain.ts";
import type { ImportOptions, ImportResult } from "./import.ts";
import { reasonsOf, rejectsOf } from "./ledger/ledger.ts";
import type { Plan } from "./ledger/plan.ts";
import { NOTHING_YET } from "./ledger/take-up.ts";
import { planOf } from "./method.ts";
import { runPipeline, type Names } from "./pipeline.ts";
import { prepareTable } from "./prepare.ts";
import { FirstRejects } from "./reject.ts";
import { emptyTable } from "./replace.ts";
import { indexDdl } from "./schema.ts";
import type { Source } from "./source.ts";
import { Tally } from "./tally.ts";
import { SESSION_REJECTS, type Session } from "./targets/target.ts";

/** Loads all rows into a session's transaction; returns what else there is to say when that has been committed. */
export async function loadWhole(
  ctx: Context,
  source: Source,
  plan: Plan,
  session: Session,
  tally: Tally,
  options: ImportOptions,
  names: Names,
  id: string,
): Promise<string[]> {
  const verb = (rows: number): string => (id === "" ? "would be" : rows === 1 ? "is" : "are");
  const emptied = plan.replace ? await emptyTable(session, plan.table, options.cascade ?? false, verb) : undefined;
  const rejects = id === "" ? SESSION_REJECTS : "sluice.rejects";
  const allRefused = watchRefusals(session, rejects, id, plan, tally, options);
  ({ records: tally.records } = await runPipeline(ctx, source, plan, names, {
    loaders: 1,
    isDone: () => false,
    commit: async (encoded) => {
      tally.add(await session.put(encoded.chunk, encoded.rejects), undefined);
      const failure = tooManyErrors(tally, options) ?? (await allRefused());
      if (!failure) return;
      // Why it was stopped is in the rejects, which go when the transaction does.
      await passOn(session, id, plan, options, names);
      throw failure;
    },
  }));
  if (emptied && emptied.rows > 0 && ctx.err() === undefined && tally.records > 0 && tally.rejected === tally.records) {
    await passOn(session, id, plan, options, names);
    throw nothingLeft(plan, tally, await reasonsOf(session, id, rejects));
  }
  return [...(emptied?.notes ?? [])];
}

/** Does everything in a transaction that is undone in the end. */
export async function rehearse(
  ctx: Context,
  source: Source,
  names: Names,
  options: ImportOptions,
  started: number,
): Promise<ImportResult> {
  const { target } = options;
  const prepared = await prepareTable(target, source, names, options);
  const plan = planOf(prepared, source.layout.firstRow, options);
  const tally = new Tally(started, source.progress, options, NOTHING_YET);
  const notes = [...prepared.notes, ...prepared.changes];
  await source.startAt(plan.firstRow);
  const first = new FirstRejects();
  let reasons: Record<string, number> = {};
  const rehearsal = target.atomically(undefined, async (session) => {
    try {
      for (const ddl of prepared.ddl) await session.query(ddl);
    } catch (error) {
      throw prepared.created ? cannotCreate(plan.table, target.name, error) : error;
    }
    notes.push(...(await loadWhole(ctx, source, plan, session, tally, options, names, "")));
    if (prepared.indexes.length > 0) tally.report("indexes");
    for (const index of prepared.indexes) await session.query(indexDdl(index, plan.table));
    await passOn(session, "", plan, options, names, first);
    reasons = await reasonsOf(session, "", SESSION_REJECTS);
  });
  const failure = await failureOf(rehearsal);
  if (failure !== undefined && ctx.err() === undefined) throw failure;
  notes.push(...source.notes(), ...first.notes(), "this was a dry run: nothing of it is in the database");
  return {
    id: "",
    ...names,
    table: plan.table,
    method: plan.method,
    ...tally.totals,
    milliseconds: performance.now() - started,
    reasons,
    rejects: first.list,
    notes,
    interrupted: ctx.err() !== undefined,
  };
}

/** Passes on all rejects of an import that the ledger has, or, without an id, a rehearsal's. */
export async function passOn(
  session: Pick<Session, "query">,
  id: string,
  plan: Pick<Plan, "headers">,
  { onRejects }: ImportOptions,
  names: Names,
  first: FirstRejects = new FirstRejects(),
): Promise<void> {
  await onRejects?.([], plan.headers);
  for await (const page of rejectsOf(session, id, names, id === "" ? SESSION_REJECTS : undefined)) {
    first.add(page);
    await onRejects?.(page, plan.headers);
    if (first.full && !onRejects) return;
  }
}
