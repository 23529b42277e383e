// An unfinished import in the ledger, compared with itself.
//
// What must hold: a chunk's counts, rejects and epoch are written in one transaction. A claim
// changes an import and its lease in one. So they agree in every snapshot, after every crash and in
// every dump. If they do not, somebody else has changed the ledger, and an import that continued by
// it would put rows in twice.
//
// Several loaders that were killed leave gaps between chunks. So a chunk without rejects that
// somebody deletes after that is not missed.
import { SluiceError } from "../errors.ts";
import { BAD_LEDGER, badLedger } from "../plan/stored.ts";
import type { Target } from "../target.ts";

const COUNTS = ["inserted", "updated", "skipped", "rejected"] as const;

/** The contradictions that can be found: each as SQL of {@link SOUND}, and in words for people. */
const FAULTS: readonly (readonly [sql: string, what: string])[] = [
  ["l.epoch <> i.epoch", "its lease has another epoch than its entry"],
  ["c.epoch > i.epoch", "a chunk has a later epoch than its entry"],
  ["c.odd > 0", "a chunk has more settled rows than rows, or fewer than none"],
  [
    COUNTS.map((count) => `c.${count} < i.${count}`).join(" or "),
    "its chunks count fewer rows than its entry, so chunks were deleted whose rows may be in the table",
  ],
  [
    "c.rejected <> r.count",
    "its chunks count another number of rejected rows than there are rejects, so chunks or rejects were deleted",
  ],
  // Such an import has one loader, also after a resume.
  [
    "i.method = 'sequential' and c.begun <= c.last",
    "a chunk is missing between others, so it was deleted, and its rows may be in the table",
  ],
];

const SOUND = `
  select i.id, ${FAULTS.map(([sql]) => `(${sql})::text`).join(", ")}
  from sluice.imports i left join sluice.leases l on l.import = i.id
  cross join lateral (
    select count(*) filter (where n >= 0) as begun, max(n) as last, max(c.epoch) as epoch,
           count(*) filter (where done not between 0 and rows) as odd,
           ${COUNTS.map((count) => `coalesce(sum(c.${count}), 0) as ${count}`).join(", ")}
    from sluice.chunks c where c.import = i.id) c
  cross join lateral (select count(*) from sluice.rejects where import = i.id) r
  where i.id = any ($1::text[])`;

/**
 * Checks what the ledger has of some imports that can be continued.
 *
 * @throws SluiceError (`bad_ledger`) if it contradicts itself
 */
export async function expectSound(target: Pick<Target, "query">, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { rows } = await target.query(SOUND, [`{${ids.join(",")}}`]);
  for (const [id, ...faults] of rows) {
    const found = FAULTS.filter((_, n) => faults[n] === "true").map(([, what]) => what);
    if (found.length > 0) throw badLedger(id!, found.join("; "));
  }
}

/**
 * Reports whether the ledger has chunks of an import and not the import itself. A server that loses
 * commits loses the later ones first.
 */
export async function isOrphaned(target: Pick<Target, "query">, id: string): Promise<boolean> {
  const { rows } = await target.query(
    "select (exists (select from sluice.chunks where import = $1) and not exists (select from sluice.imports where id = $1))::text",
    [id],
  );
  return rows[0]![0] === "true";
}

/** The error for an import that runs, and of which the ledger has nothing any more. */
export function ledgerDeleted(id: string): SluiceError {
  return new SluiceError(
    BAD_LEDGER,
    `the ledger has nothing of the import ${id} any more: somebody has deleted that while it ran, so the import cannot go on. ` +
      `Its rows are in the table, and the same command would put them in again: take them out before that. Look at who may write to the schema sluice.`,
  );
}

/** The error for an import that {@link isOrphaned}. */
export function orphaned(id: string): SluiceError {
  return new SluiceError(
    BAD_LEDGER,
    `the ledger has chunks of the import ${id} and not its entry: somebody has deleted that, so the import cannot go on. ` +
      `Its rows may be in the table: take them out, and import the file anew, without --resume. Look at who may write to the schema sluice.`,
  );
}
