// The last step of an import that made its table: the indexes that waited until the rows were in.
import { Group } from "@sluice/go/errgroup";
import { describeError, isInterrupted, SluiceError } from "../errors.ts";
import { buildIndex, indexesLeft } from "../ledger/ledger.ts";
import { indexDdl } from "../schema/schema.ts";
import type { Recorded } from "./run.ts";

/**
 * Builds what waited until the rows were in, on two connections, since each index is one
 * processor's work. What is built is off the ledger's list in the same transaction, so a resume
 * builds the rest. What the database refuses to build is a note: the rows are in.
 */
export async function buildIndexes({ job, plan, tally, notes, options }: Recorded): Promise<void> {
  const { claim } = job;
  const { target } = options;
  if (job.indexes.length === 0) return; // the list only grows shorter
  const all = await target.patiently(() => indexesLeft(target, claim.id));
  for (const { spec, ddl } of all)
    if (!spec)
      notes.push(`not built, since an earlier version stored it as SQL: ${ddl} (look at it, and run it by hand)`);
  const indexes = all.flatMap(({ spec }) => spec ?? []);
  if (indexes.length === 0) return;
  tally.report("indexes");
  const group = new Group();
  const connections = Math.max(1, Math.min(2, target.connections));
  for (let n = 0; n < connections; n++) {
    await group.go(async () => {
      for (let index = n; index < indexes.length; index += connections) {
        const spec = indexes[index]!;
        const ddl = indexDdl(spec, plan.table);
        await target.patiently(async () => {
          // If the connection was lost while this one was built, it may have been built all the
          // same.
          const left = await indexesLeft(target, claim.id);
          if (!left.some((other) => JSON.stringify(other.spec) === JSON.stringify(spec))) return;
          await buildIndex(target, claim, spec, plan.table).catch((error: unknown) => {
            if (isInterrupted(error)) tally.complete = false;
            else if (error instanceof SluiceError) throw error;
            notes.push(`not built: ${ddl} (${describeError(error).message})`);
          });
        });
      }
    });
  }
  await group.wait();
}
