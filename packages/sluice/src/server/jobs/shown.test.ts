// An import as the API shows it, whole: of what the service knows, what the ledger has, or both.
import { expect, test } from "vitest";
import { showImport, stateOf, type Recorded } from "./shown.ts";
import type { Job } from "./store.ts";

const JOB: Job = {
  id: "j1", upload: "u1", fileName: "some people.xlsx", fields: [["method", ["batch"]], ["table", ["wanted"]]], client: "c", createdAt: "2024-01-01T00:00:00Z", state: "running", startedAt: "2024-01-01T00:00:01Z",
}; // prettier-ignore

const RECORDED: Recorded = {
  id: "r1", state: "running", active: true, file: "f.csv", sheet: "f", table: "t", method: "copy", startedAt: "2024-01-01T00:00:00Z", finishedAt: null, takenBack: null, total: 10, inserted: 5, updated: 2, skipped: 1, rejected: 2,
}; // prettier-ignore

const PLAN = JSON.stringify({ created: false, load: [], firstRow: 2, headerRows: [1] });

test("each sort of import, with all that is said of it", () => {
  const ended = { state: "finished", finishedAt: "2024-01-01T00:00:04Z" } as const;
  const outcome: NonNullable<Job["outcome"]> = { sheet: "S", table: "made", method: "sequential", milliseconds: 2500, total: 9, inserted: 6, updated: 1, skipped: 1, rejected: 1, reasons: { too_long: 1 }, notes: ["a note"], assumptions: [{ about: "sheet", said: "S", option: "--sheet" }] }; // prettier-ignore
  const failed = { ...JOB, state: "failed" as const, outcome: { error: { code: "x", message: "no" } } };
  const cases: Record<string, readonly [Job | undefined, Recorded | undefined]> = {
    "asked for": [{ ...JOB, state: "queued", fields: [] }, undefined],
    "asked for, by a method that is not known": [{ ...JOB, fields: [["method", ["quick"]]] }, undefined],
    "a sheet of many": [{ ...JOB, part: { sheet: "P", table: "part", alike: [] }, siblings: ["j1", "j2", "j3"] }, undefined],
    "a sheet of many, without a table": [{ ...JOB, part: { sheet: "P", alike: [] }, fields: [], siblings: ["j2"] }, undefined],
    "at work": [JOB, RECORDED],
    "ended": [{ ...JOB, ...ended, outcome, ledger: "j1" }, { ...RECORDED, ...ended, reasons: { invalid_date: 2 }, message: "old" }],
    "ended, and gone from the ledger": [{ ...JOB, ...ended, outcome, ledger: "older" }, undefined],
    "ended in no time": [{ ...JOB, ...ended, outcome: { ...outcome, milliseconds: 0, rejected: 0 } }, { ...RECORDED, ...ended, rejected: 0 }],
    "a dry run": [{ ...JOB, ...ended, fields: [["dryRun", ["true"]]], outcome }, undefined],
    "no dry run": [{ ...JOB, fields: [["dryRun", ["false"]]] }, undefined],
    "failed": [failed, { ...RECORDED, state: "failed", message: "no" }],
    "failed, and its file is gone": [{ ...failed, upload: null, outcome: {} }, undefined],
    "waits again": [{ ...JOB, state: "queued", retry: { attempts: 2, reason: "away", at: null } }, undefined],
    "cancelled": [{ ...JOB, state: "cancelled", outcome }, { ...RECORDED, state: "cancelled", message: "by ada" }],
    "cancelled after it had ended": [{ ...JOB, ...ended, outcome }, { ...RECORDED, state: "cancelled", message: "taken back", takenBack: 5 }],
    "cancelled without a word": [{ ...JOB, ...ended, outcome }, { ...RECORDED, state: "cancelled", message: null }],
    "cancelled while it runs here": [JOB, { ...RECORDED, state: "cancelled", message: "by ada" }],
    "cancelled while it waits here": [{ ...JOB, state: "queued" }, { ...RECORDED, state: "cancelled", message: "by ada" }],
    "of the ledger alone": [undefined, { ...RECORDED, plan: PLAN }],
    "of the ledger, interrupted": [undefined, { ...RECORDED, active: false, method: "quick" }],
    "of the ledger, ended": [undefined, { ...RECORDED, ...ended, active: false, reasons: { too_long: 2 }, takenBack: 3 }],
    "of the ledger, ended without rejects": [undefined, { ...RECORDED, ...ended, rejected: 0 }],
    "of the ledger, failed": [undefined, { ...RECORDED, state: "failed", message: "no room" }],
    "of the ledger, failed without a word": [undefined, { ...RECORDED, state: "failed", finishedAt: "2024-01-01T00:00:00Z" }],
    "of the ledger, cancelled": [undefined, { ...RECORDED, state: "cancelled", message: "by ada" }],
    "of the ledger, cancelled without a word": [undefined, { ...RECORDED, state: "cancelled" }],
  }; // prettier-ignore
  for (const [what, [job, recorded]] of Object.entries(cases)) expect(JSON.stringify(showImport(job, recorded))).toMatchSnapshot(what); // prettier-ignore
}); // prettier-ignore

test("an import that runs without a process was interrupted", () => {
  const states = ["running", "finished", "failed", "cancelled"] as const;
  expect(states.map((state) => [stateOf({ state, active: true }), stateOf({ state, active: false })])).toEqual([
    ["running", "interrupted"],
    ["finished", "finished"],
    ["failed", "failed"],
    ["cancelled", "cancelled"],
  ]);
});
