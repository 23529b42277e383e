// What nobody may do in a state of the model, tried with the real functions and undone: a claim
// while somebody is at work, and whatever changes an import, by a process that was taken over.
import type { Claim } from "../../target.ts";
import { buildIndex, claimImport, countsOf, renewLease, settleImport, storeOtherPlan } from "../ledger.ts";
import { OUT_OF_STEP, TAKEN_OVER } from "../schema.ts";
import { agree } from "./agree.ts";
import { IDLE_TABLE, PLAN, TABLE, type ProcessTarget } from "./place.ts";
import type { State } from "./protocol.ts";
import type { Replay } from "./replay.ts";

type Try = readonly [what: string, run: () => Promise<unknown>, says: unknown];

/** @throws Mismatch if any of it is possible */
export async function probe(replay: Replay, state: State): Promise<void> {
  const { place } = replay;
  await place.undone(async () => {
    const ledger = async (): Promise<unknown> => (await place.query(LEDGER)).rows[0]![0];
    const before = await ledger();
    for (const [what, run, says] of tries(replay, state)) {
      await place.query("savepoint probe");
      agree(await run(), says, what);
      // What has failed can be asked nothing more, and has changed nothing.
      if (typeof says !== "string") agree(await ledger(), before, `${what}: the ledger`);
      await place.query("rollback to savepoint probe");
    }
    for (const [n, actor] of replay.actors.entries()) {
      if (!actor || state.processes[n]!.epoch !== "current" || state.status !== "running") continue;
      if (state.recorded.every((done) => done === replay.size.steps)) continue;
      // This gives the import back, so it does change the ledger.
      const says = await settleImport(actor.target, actor.claim, "finished", null, replay.records);
      agree(says, undefined, "finishing with rows missing");
    }
  });
}

function* tries(replay: Replay, state: State): Generator<Try> {
  const { stranger, id } = replay;
  const running = state.status === "running";
  if (running && state.leased)
    yield ["a claim while somebody is at work", () => claimImport(stranger, id, []), undefined];
  if (!running) yield ["a claim of what has ended", () => codeOf(claimImport(stranger, id, [], true)), TAKEN_OVER];
  for (const [n, actor] of replay.actors.entries()) {
    if (!actor) continue;
    const current = state.processes[n]!.epoch === "current";
    if (!current) yield* overtaken(actor.target, actor.claim, replay.records);
    yield* commits(replay, actor.claim, state, current && running);
  }
}

/** All that a process does which was taken over, and which may change nothing. */
function* overtaken(target: ProcessTarget, claim: Claim, records: number): Generator<Try> {
  yield ["renewing a lease", () => renewLease(target, claim), false];
  yield ["writing a plan", () => storeOtherPlan(target, claim, { ...PLAN, method: "copy" }), undefined];
  yield ["giving back", () => settleImport(target, claim, "running"), undefined];
  yield ["failing", () => settleImport(target, claim, "failed", "a message"), undefined];
  yield ["cancelling", () => settleImport(target, claim, "cancelled"), undefined];
  yield ["finishing", () => settleImport(target, claim, "finished"), undefined];
  yield ["finishing with all rows", () => settleImport(target, claim, "finished", null, records), undefined];
  yield ["counting", () => countsOf(target, claim), undefined];
  yield [
    "taking an index off the list",
    () => buildIndex(target, claim, { columns: ["chunk"] }, IDLE_TABLE),
    undefined,
  ];
}

/** Each step of each chunk, but for the one that is next, if the process has the import. */
function* commits({ place, id, size }: Replay, { epoch }: Claim, state: State, ours: boolean): Generator<Try> {
  for (let chunk = 0; chunk < size.chunks; chunk++) {
    for (let at = 0; at < size.steps; at++) {
      if (ours && state.recorded[chunk] === at) continue;
      const sql = `select sluice.commit_rows($1, ${epoch}, ${chunk}, ${size.steps}, ${at}, ${at + 1}, 1, 0, 0, 0, '${TABLE}'::regclass)`;
      yield [
        `a commit of row ${at} of chunk ${chunk}`,
        () => codeOf(place.query(sql, [id])),
        ours ? OUT_OF_STEP : TAKEN_OVER,
      ];
    }
  }
}

const LEDGER = `select coalesce(string_agg(one, ' ' order by one), '') from (
  select i::text as one from sluice.imports i union all select l::text from sluice.leases l union all select c::text from sluice.chunks c) ledger`;

/** The code of an error, if there is one. */
async function codeOf(run: Promise<unknown>): Promise<unknown> {
  return await run.then(
    (result) => ({ result }),
    (error: Error & { code?: string }) => error.code ?? error.message,
  );
}
