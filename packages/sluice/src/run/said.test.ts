// The whole text of what an import says when it fails: what was wrong, what is in the table, and
// the way on. The database is a few answers.
import { expect, test } from "vitest";
import { SheetError } from "@sluice/sheets";
import { describeError, SluiceError } from "../errors.ts";
import type { Plan } from "../plan/plan.ts";
import type { ImportOptions } from "../options.ts";
import { cannotChange, cannotCreate, explain, miscounted, nothingLeft, notTheSame, referredTo, rowsAre, tooManyErrors } from "./failure.ts"; // prettier-ignore
import type { Tally } from "./progress.ts";
import type { Recorded } from "./run.ts";

type Row = readonly (string | null)[];

/** Answers of the database, by a part of the statement; others fail, as without a connection. */
type Answers = Readonly<Record<string, readonly Row[]>>;

function targetOf(answers: Answers) {
  return {
    name: "the database",
    query: async (sql: string) => {
      const found = Object.entries(answers).find(([part]) => sql.includes(part));
      if (!found) throw new SluiceError("connection_lost", "the connection is lost");
      return { columns: [], rows: found[1].map((row) => [...row]), count: found[1].length };
    },
  };
}

const PLAN: Partial<Plan> = {
  table: "shop.t",
  method: "copy",
  created: false,
  atomic: false,
  conflict: undefined,
  load: [],
};

/** Of the ledger: total, inserted, updated, skipped and rejected rows. */
const counts = (...totals: readonly number[]): Answers => ({
  "with released": [totals.map(String)],
  "select indexes": [["[]", "shop.t"]],
});

interface Case {
  readonly plan?: Partial<Plan>;
  readonly answers?: Answers;
  readonly tally?: Partial<Tally["totals"]>;
  readonly records?: number;
  readonly notes?: readonly string[];
  readonly indexes?: readonly string[];
}

async function said(failure: unknown, { plan, answers = counts(7, 5, 1, 0, 1), tally, records = 7, notes = [], indexes = [] }: Case = {}): Promise<string> {
  const totals = { total: 0, inserted: 0, updated: 0, skipped: 0, rejected: 0, ...tally };
  const run = {
    job: { claim: { id: "i1", epoch: 1 }, indexes },
    plan: { ...PLAN, ...plan },
    tally: { totals, records },
    notes,
    options: { target: targetOf(answers) },
  } as unknown as Recorded;
  const { code, message, exitCode } = describeError(await explain(failure, run));
  return `${code} (${exitCode}): ${message}`;
} // prettier-ignore

const postgres = (code: string, more: { routine?: string; where?: string } = {}): Error =>
  Object.assign(new Error("it says no"), { code, ...more });
const sluice = (code: string, cause?: unknown): SluiceError =>
  new SluiceError(code as never, "that is wrong.", { cause });

test("what each failure is followed by", async () => {
  const codes = [
    "too_many_errors", "all_refused", "nothing_left", "would_cascade", "file_changed", "referred_to", "table_gone", "table_changed", "bad_ledger", "miscounted", "connection_lost", "interrupted",
  ]; // prettier-ignore
  const key = { plan: { conflict: { action: "skip", key: ["a"], where: undefined, others: false } } } as const;
  const none = counts(0, 0, 0, 0, 0);
  const all: string[] = [];
  for (const code of codes)
    all.push(await said(sluice(code)), await said(sluice(code), { ...key, answers: none }), await said(sluice(code), key));
  for (const code of ["file_not_found", "unreadable", "temporary_file", "limit", "row_out_of_range", "column_out_of_range", "bad_zip"] as const) {
    const failure = new SheetError(code as never, "the file is not good.");
    all.push(await said(failure), await said(failure, { answers: none }), await said(failure, key));
  }
  all.push(await said(sluice("miscounted"), { records: 8 }), await said(sluice("miscounted"), { records: 6 }));
  expect(all.join("\n\n")).toMatchSnapshot();
  const taken = sluice("taken_over");
  expect(await explain(taken, { job: { claim: { id: "i1" } }, plan: PLAN, tally: {}, notes: [], options: {} } as unknown as Recorded)).toBe(taken);
}); // prettier-ignore

test("what is left in the table, as far as it is known", async () => {
  const lost = sluice("connection_lost");
  const cases: readonly Case[] = [
    { answers: {} }, { answers: {}, tally: { inserted: 1, total: 1 } }, { answers: {}, tally: { inserted: 2000, updated: 1 } }, { answers: {}, plan: { atomic: true }, tally: { inserted: 5 } }, { answers: {}, plan: { foreign: "far" } },
    { plan: { foreign: "far" } }, { answers: counts(0, 0, 0, 0, 0) }, { answers: counts(1, 1, 0, 0, 0) }, { answers: counts(1, 0, 1, 0, 0) }, { answers: counts(3, 0, 0, 2, 1), plan: { created: true } }, { answers: counts(0, 0, 0, 0, 0), plan: { atomic: true } }, { answers: counts(0, 0, 0, 0, 0), plan: { atomic: true, created: true } },
    { answers: counts(5, 5, 0, 0, 0), plan: { atomic: true } }, { notes: ["one", "two"], indexes: ["create index a"] }, { answers: {}, indexes: ["create index a", "create index b"] }, { answers: { ...counts(2, 2, 0, 0, 0), "select indexes": [['[{"columns":["a"]},"old"]', "shop.t"]] } }, { answers: { "with released": [["2", "2", "0", "0", "0"]] }, indexes: ["create index a"] },
  ]; // prettier-ignore
  const all: string[] = [];
  for (const one of cases) all.push(await said(lost, one));
  for (const code of ["57P01", "08006", "40003", "23505", "connection_refused"]) all.push(await said(sluice(code), { plan: { foreign: "far" } }));
  for (const code of ["table_gone", "bad_ledger"]) all.push(await said(sluice(code), { answers: {}, indexes: ["create index a"], tally: { inserted: 3, total: 3 }, plan: { created: true } }), await said(sluice(code), { answers: {}, plan: { created: true } }));
  expect(all.join("\n\n")).toMatchSnapshot();
}); // prettier-ignore

test("the advice about each error of the database", async () => {
  const setting = (...row: Row): Answers => ({ ...counts(0, 0, 0, 0, 0), pg_settings: row.length === 0 ? [] : [row] });
  const triggers = (...names: readonly string[]): Answers => ({ ...counts(0, 0, 0, 0, 0), pg_event_trigger: names.map((name) => [name]) });
  const errors: readonly (readonly [error: unknown, answers?: Answers])[] = [
    ...["42501", "42809", "42P10", "53200", "53100", "XX000"].map((code) => [postgres(code)] as const), [sluice("42501")], [sluice("file_changed", postgres("53100"))], [new Error("plain")],
    [postgres("42501"), { ...counts(0, 0, 0, 0, 0), json_array_elements: [["insert", "a b", "ada"], ["insert", "c", "ada"], ["select", "a", "ada"]] }], [postgres("42501"), { ...counts(0, 0, 0, 0, 0), json_array_elements: [] }],
    [postgres("OTHER", { where: "PL/pgSQL function sluice.commit_rows(text,integer) line 1" })], [postgres("SL002", { where: "PL/pgSQL function sluice.commit_rows(text,integer) line 1" })], [postgres("SL003", { where: "PL/pgSQL function sluice.commit_rows(text,integer) line 1" })],
    [postgres("P0001", { routine: "exec_stmt_raise" }), triggers()], [postgres("P0001", { routine: "exec_stmt_raise", where: "PL/pgSQL function f() line 3 at RAISE\nmore" }), triggers()], [postgres("P0001", { routine: "exec_stmt_raise" }), triggers("guard", "other\"s")],
    [postgres("0A000", { routine: "RewriteQuery" })], [postgres("0A000", { routine: "DoCopy" })], [postgres("0A000", { routine: "else" })], ...["CheckCmdReplicaIdentity", "rewriteTargetView", "ExecInitModifyTable", "CheckValidResultRel", "else"].map((routine) => [postgres("55000", { routine })] as const),
    ...["25006", "25P03", "25P04", "55P03", "57014", "57P05"].flatMap((code) => [[postgres(code)], [postgres(code), setting()], [postgres(code), setting("the_setting", "5s", "database", "ada")]] as const),
    [postgres("25006"), setting("in_hot_standby", "on", "default", "ada")], [postgres("25006"), setting("default_transaction_read_only", "on", "user", "ada")],
  ]; // prettier-ignore
  const all: string[] = [];
  for (const [error, answers = counts(0, 0, 0, 0, 0)] of errors) {
    const text = await said(error, { answers });
    all.push(`${JSON.stringify(error)}\n    ${text.split("\n")[0]}`);
  }
  expect(all.join("\n")).toMatchSnapshot();
}); // prettier-ignore

test("what is said of tables, rejects and counts", async () => {
  const made = async (code: string, answers: Answers = {}, more = {}) => describeError(await cannotCreate("shop.t", targetOf(answers), postgres(code, more))).message; // prettier-ignore
  const changed = async (error: unknown, answers: Answers = {}) => describeError(await cannotChange(targetOf(answers), error)).message; // prettier-ignore
  const raised = postgres("P0001", { routine: "exec_stmt_raise" });
  const most = (rejected: number, maxErrors?: number) => tooManyErrors({ rejected } as Tally, (maxErrors === undefined ? {} : { maxErrors }) as ImportOptions)?.message; // prettier-ignore
  expect([
    await made("3F000"), await made("42704"), await made("42501"), await made("XX000"), await made("P0001", { pg_event_trigger: [["guard"]] }, { routine: "exec_stmt_raise" }),
    await changed(postgres("XX000")), await changed(raised, { pg_event_trigger: [["guard"]] }), await changed(raised), describeError(await cannotChange(targetOf({ pg_event_trigger: [["guard"]] }), raised)).code,
    most(5), most(5, 5), most(6, 5), most(1, 0), most(2000, 10),
    ...[1, 2000].map((records) => nothingLeft(PLAN as Plan, { records } as Tally, { invalid_date: 1, too_long: 1999 }).message),
    referredTo("t", new Error("update or delete violates")).message, referredTo("t", Object.assign(new Error("update or delete violates"), { detail: "Key (id)=(1) is referred to." })).message,
    miscounted(5, 2000).message, miscounted(2000, 5).message, miscounted(5, 5).message, rowsAre(0), rowsAre(1), rowsAre(2), rowsAre(1000), notTheSame({ id: "i1", epoch: 1 } as never, 3, 5, 4).message,
  ]).toMatchSnapshot();
}); // prettier-ignore
