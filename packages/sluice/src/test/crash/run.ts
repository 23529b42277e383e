// One run: an import that is interrupted, resumed until it is finished, and compared with the file
// row by row.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Random } from "../../sample/random.ts";
import {
  expectAlready,
  expectSuccess,
  start,
  stateOf,
  type Attempt,
  type Call,
  type Fault,
  type Happened,
} from "./faults.ts";
import type { Place } from "./place.ts";
import { differences, expectedOf, queryOf, type Kind, type Workload } from "./workload.ts";
import type { Method } from "../../options.ts";

const SCHEMA = fileURLToPath(new URL("../../../../../examples/data/businesses.schema.ts", import.meta.url));

export interface Case {
  readonly method: Method;
  readonly kind: Kind;
  readonly workload: Workload;
  /** All rows in one transaction, or none. */
  readonly atomic?: boolean;
}

/** What an import that nothing happened to left behind. */
export interface Reference {
  /** The time until rows go in, and from there. */
  readonly startup: number;
  readonly milliseconds: number;
  readonly counts: string;
  /** The reject file, byte for byte. */
  readonly rejects: string;
}

/** Imports without an interruption; what it leaves is compared with the file, too. */
export async function reference(place: Place, folder: string, one: Case): Promise<Reference> {
  const call = { place, folder, args: argsOf(one) };
  const begun = performance.now();
  const ended = await start(call).ended;
  expectSuccess(ended);
  const { milliseconds } = JSON.parse(ended.stdout) as { milliseconds: number };
  return { startup: performance.now() - begun - milliseconds, milliseconds, ...(await finish(call, one)) };
}

/** @returns what happened @throws where anything is not as the reference left it */
export async function crashRun(
  place: Place,
  folder: string,
  one: Case,
  fault: Fault,
  random: Random,
  expected: Reference,
): Promise<Happened> {
  const attempt: Attempt = { place, folder, args: argsOf(one), random, ...expected };
  const happened = await fault.interrupt(attempt);
  const { counts, rejects } = await finish(attempt, one);
  if (counts !== expected.counts) throw new Error(`counted ${counts}, and without an interruption ${expected.counts}`);
  if (rejects !== expected.rejects) throw new Error(`other rejects than without an interruption:\n${rejects}`);
  return happened;
}

/** The command, but for what leads to the database. */
export function argsOf({ method, kind, workload, atomic }: Case): string[] {
  // Small chunks, so that there is much to interrupt.
  const sizes = ["--chunk-rows", "200", "--batch-size", "20", "--workers", "3"];
  return [
    "import",
    workload.file,
    "--method",
    method,
    "--schema",
    SCHEMA,
    "--json",
    ...sizes,
    ...(atomic ? ["--atomic"] : []),
    ...(kind === "keyed" ? ["--on-conflict", "update", "--key", "email"] : []),
  ];
}

/**
 * Resumes what is not finished, runs the same command once more, and holds what there is then
 * against the file. The reject file is that of the command, or of the ledger.
 *
 * A finished import is refused, so the second run must change nothing. Where a key makes it
 * harmless it would update each row once more, so it is left out there.
 */
export async function finish(call: Call, one: Case): Promise<Pick<Reference, "counts" | "rejects">> {
  if ((await stateOf(call.place)) !== "finished") expectSuccess(await start(call).ended);
  const { place, folder } = call;
  const file = join(folder, "rejects.csv");
  const again = one.kind !== "keyed";
  if (again) expectAlready(await start({ ...call, args: [...call.args, "--rejects", file] }).ended);
  const expected = expectedOf(one.workload, one.kind);
  const { id, counts } = await place.ask(async (query) => {
    const entries = await query("select id, state, total, inserted, updated, skipped, rejected from sluice.imports");
    const [id, state, ...numbers] = entries[0]!;
    if (entries.length > 1 || state !== "finished") throw new Error(`the ledger has ${JSON.stringify(entries)}`);
    const wrong = differences(await query(queryOf(one.kind)), expected);
    if (wrong.length > 0) throw new Error(`${wrong.length} rows are wrong:\n${wrong.slice(0, 5).join("\n")}`);
    const rejected = await query("select row_number from sluice.rejects order by row_number");
    if (rejected.join() !== expected.rejected.join()) throw new Error(`rejected are the rows ${rejected.join()}`);
    return { id: id!, counts: numbers.join(" ") };
  });
  const { inserted, updated, rejected } = expected;
  const sums = [one.workload.rows, inserted, updated, 0, rejected.length].join(" ");
  if (counts !== sums) throw new Error(`counted ${counts}, and in the file there are ${sums}`);
  if (!again) expectSuccess(await start({ place, folder, args: ["imports", id, "--rejects", file] }).ended);
  return { counts, rejects: await readFile(file, "utf8") };
}
