// The model's steps, taken with the real functions: `claim` and `commit_rows` in the database, and
// what the program sends around them. After each step the database must be where the model is.
//
// A process of the model is a claim and the sessions that load for it. Each stops before its last
// message until the model sends it. So one that was taken over goes on for as long as the model
// likes, whether or not its sessions could be ended in a real database.
import { describeError } from "../../errors.ts";
import type { ChunkState, Claim } from "../../target.ts";
import { runSession } from "../../database/session.ts";
import { takingBack } from "../../run/take-back.ts";
import { standingOf } from "../../database/followed.ts";
import { chunksOf, claimImport, OWNER, renewLease, settleImport, type Totals } from "../ledger.ts";
import { atWorkSql } from "../schema.ts";
import { agree, Mismatch } from "./agree.ts";
import { chunkOf, Loading, newImport, ProcessTarget, TABLE, type Outcome, type Place } from "./place.ts";
import type { LedgerStep, ProcessDoes, Size, State } from "./protocol.ts";

/** A process that runs. */
export interface Actor {
  readonly target: ProcessTarget;
  readonly claim: Claim;
  readonly chunks: Map<number, ChunkState>;
  /** By chunk; undefined: its connection is lost. */
  readonly sessions: Map<number, Loading | undefined>;
}

export class Replay implements AsyncDisposable {
  readonly place: Place;
  readonly size: Size;
  readonly id: string;
  readonly actors: (Actor | undefined)[];
  /** Somebody who has no claim. */
  readonly stranger: ProcessTarget;
  readonly #statement: "copy" | "insert";
  #orphan: Loading | undefined;

  private constructor(place: Place, size: Size, statement: "copy" | "insert", id: string) {
    this.place = place;
    this.size = size;
    this.#statement = statement;
    this.id = id;
    this.actors = Array.from({ length: size.processes }, () => undefined);
    this.stranger = new ProcessTarget(place, "a stranger");
  }

  /** An import that nobody works on, which is the model's first state. */
  static async begin(place: Place, size: Size, statement: "copy" | "insert"): Promise<Replay> {
    const claim = await newImport(place);
    const replay = new Replay(place, size, statement, claim.id);
    await settleImport(replay.stranger, claim, "running");
    return replay;
  }

  get records(): number {
    return this.size.chunks * this.size.steps;
  }

  /** Takes a step. @throws Mismatch if it leads somewhere else than the model says */
  async take(from: State, step: LedgerStep): Promise<void> {
    const { act } = step;
    if ("process" in act) await this.#act(act.process, act.does, act.chunk, from, step.to);
    else if (act.does === "expire")
      await this.place.query("update sluice.leases set expires_at = clock_timestamp() where import = $1", [this.id]);
    else if (act.does === "cancel") {
      const claim = await claimImport(this.stranger, this.id, [], true);
      agree(claim !== undefined, true, "a claim by force");
      agree((await settleImport(this.stranger, claim!, "cancelled")) !== undefined, true, "the cancelling");
    } else if (act.does === "take back") {
      const { run, ending } = takingBack({ id: this.id, contentHash: "content", table: TABLE });
      await runSession(this.place.connection, { id: this.id, epoch: 0 }, run, () => undefined, ending);
    } else {
      const expected = (
        { "orphan commits": "ok", "orphan is refused": "fenced", "orphan rolls back": "lost" } as const
      )[act.does];
      const outcome = await this.#orphan!.end(expected === "lost" ? "lose" : "send");
      agree(outcome, expected, "the session left behind");
      this.#orphan = undefined;
    }
    agree(await this.#state(), this.#expected(step.to), "the state");
  }

  async #act(n: number, does: ProcessDoes, chunk: number | undefined, from: State, to: State): Promise<void> {
    if (does === "claim") {
      this.actors[n] = await this.#claim(n, to);
      return;
    }
    const actor = this.actors[n]!;
    const { target, claim, sessions } = actor;
    const leads = from.processes[n]!.epoch === "current" && from.status === "running";
    const session = chunk === undefined ? undefined : sessions.get(chunk);
    const off = to.processes[n]!.epoch === "none";
    switch (does) {
      case "kill":
      case "send": // It is on its way: the database has not got it yet.
        break;
      case "check":
        throw new RangeError("the program asks nothing before it commits");
      case "terminate":
        await this.#terminate(target, from);
        break;
      case "renew":
        agree(await renewLease(target, claim), true, "the renewal");
        await this.#keep(claim);
        break;
      case "stop":
        agree((await settleImport(target, claim, "running")) !== undefined, leads, "stopping");
        break;
      case "fail":
        agree((await settleImport(target, claim, "failed", "a failure")) !== undefined, true, "failing");
        break;
      case "finish":
        agree(await settleImport(target, claim, "finished", null, this.records), this.#all(leads), "finishing");
        break;
      case "write":
        sessions.set(chunk!, await this.#load(actor, chunk!));
        break;
      case "look":
        agree((await standingOf(target, claim)).standing, leads ? "ours" : "taken over", "the standing");
        sessions.delete(chunk!);
        if (leads) await this.#know(actor, to.processes[n]!.known, chunk);
        break;
      case "lose":
        agree(await session!.end("lose"), "lost", "a connection that is lost");
        sessions.set(chunk!, undefined);
        break;
      case "abandon":
      case "kill, abandon":
        this.#orphan = session;
        sessions.set(chunk!, undefined);
        break;
      case "commit":
      case "commit, answer lost":
        await this.#commit(actor, chunk!, does === "commit", to.processes[n]!);
    }
    if (!off) return;
    for (const one of sessions.values()) await one?.end("lose");
    this.actors[n] = undefined;
  }

  /** @param answered the process gets the answer */
  async #commit(
    { chunks, sessions }: Actor,
    chunk: number,
    answered: boolean,
    to: State["processes"][number],
  ): Promise<void> {
    const session = sessions.get(chunk)!;
    const lost = to.sessions.some((one) => one.chunk === chunk);
    const expected: Outcome = to.epoch === "none" ? "fenced" : answered && lost ? "already" : "ok";
    agree(await session.end("send"), expected, `the commit of chunk ${chunk}`);
    if (lost) sessions.set(chunk, undefined);
    else sessions.delete(chunk);
    if (answered && expected === "ok") chunks.set(chunk, session.state!);
  }

  async #claim(n: number, to: State): Promise<Actor> {
    const target = new ProcessTarget(this.place, `process ${n}`);
    const claim = await claimImport(target, this.id, []);
    if (!claim) throw new Mismatch("a claim was refused");
    await this.#keep(claim);
    const actor = { target, claim, chunks: new Map<number, ChunkState>(), sessions: new Map<number, Loading>() };
    await this.#know(actor, to.processes[n]!.known);
    return actor;
  }

  /** Reads what is in, of all chunks or of one. */
  async #know({ target, chunks }: Actor, known: readonly number[], one?: number): Promise<void> {
    for (const [n, state] of await chunksOf(target, this.id)) if (one === undefined || n === one) chunks.set(n, state);
    const done = known.map((_, n) => chunks.get(n)?.done ?? 0);
    agree(done, known, "what is known to be in");
  }

  /** The holder of a lease is connected: without that it lasts for nobody. */
  async #keep({ id, epoch }: Claim): Promise<void> {
    if (!this.place.exclusive) await this.place.keeper.query(`set application_name = 'sluice ${id} ${epoch}'`);
  }

  async #load({ claim, chunks }: Actor, chunk: number): Promise<Loading> {
    const { steps } = this.size;
    const claimable = async (): Promise<void> => {
      // While the fence stands, a claim must wait; without it, it would not.
      const claimed = await this.place.undone(async () => {
        await this.place.query("set local lock_timeout = 1");
        return await claimImport(this.stranger, this.id, [], true).catch(
          (error: Error & { code?: string }) => error.code,
        );
      });
      agree(claimed, "55P03", "a claim between the fence and COMMIT");
    };
    const data = chunkOf(chunk, steps, this.#statement);
    for (;;) {
      try {
        return await Loading.begin(this.place, claim, data, chunks.get(chunk), claimable);
      } catch (error) {
        // It may be lent a connection that was ended with the sessions of an older epoch, and was
        // idle then.
        if (describeError(error).code !== "connection_lost") throw error;
      }
    }
  }

  async #terminate(target: ProcessTarget, { processes, orphan }: State): Promise<void> {
    const old = processes.flatMap(({ epoch }, n) =>
      epoch === "stale" ? [...this.actors[n]!.sessions].filter(([, session]) => session) : [],
    );
    const stale = [...old.map(([, session]) => session!), ...(orphan?.epoch === "stale" ? [this.#orphan!] : [])];
    const ended = await target.endOlder();
    if (!this.place.exclusive)
      agree(ended.filter((one) => one === "t").length >= stale.length, true, "ending sessions");
    for (const session of stale) {
      if (!this.place.exclusive) await this.place.expectGone(session);
      agree(await session.end(this.place.exclusive ? "lose" : "send"), "lost", "a session that was ended");
    }
    for (const actor of this.actors)
      for (const [n, session] of actor?.sessions ?? [])
        if (session && stale.includes(session)) actor!.sessions.set(n, undefined);
    if (orphan?.epoch === "stale") this.#orphan = undefined;
  }

  #all(leads: boolean): Totals | undefined {
    if (!leads) return undefined;
    return { total: this.records, inserted: this.records, updated: 0, skipped: 0, rejected: 0 };
  }

  /** What the ledger and the table hold, in the model's words. */
  async #state(): Promise<unknown> {
    const { rows } = await this.place.query(
      `select i.state, ${atWorkSql(this.place.exclusive, this.place.exclusive ? OWNER : "nobody")}::text, i.epoch, l.epoch,
              (select coalesce(json_agg(json_build_array(n, done, epoch = i.epoch or done = rows, inserted, rows, updated + skipped + rejected) order by n), '[]')
               from sluice.chunks where import = i.id),
              (select coalesce(json_agg(json_build_array(chunk, step)), '[]') from ${TABLE})
       from sluice.imports i join sluice.leases l on l.import = i.id where i.id = $1`,
      [this.id],
    );
    const [status, leased, epoch, leaseEpoch, chunks, stored] = rows[0]! as string[];
    const table = Array.from({ length: this.size.chunks }, () => Array<number>(this.size.steps).fill(0));
    for (const [chunk, step] of JSON.parse(stored!) as [number, number][]) table[chunk]![step]!++;
    return {
      status,
      leased: status === "running" && leased === "true",
      sameEpoch: epoch === leaseEpoch,
      epochs: this.actors.map((actor) => actor && (actor.claim.epoch === Number(epoch) ? "current" : "stale")),
      chunks: JSON.parse(chunks!) as unknown,
      table,
    };
  }

  #expected({ status, failed, leased, processes, recorded, table }: State): unknown {
    const { steps } = this.size;
    return {
      status: failed ? "failed" : status === "taken" ? "cancelled" : status,
      leased: status === "running" && leased,
      sameEpoch: true,
      epochs: processes.map(({ epoch }) => (epoch === "none" ? undefined : epoch)),
      chunks: recorded.flatMap((done, n) =>
        done === 0 ? [] : [[n, done, !failed || done === steps, status === "taken" ? 0 : done, steps, 0]],
      ),
      table: table.map((column) => [...column]),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const actor of this.actors) for (const session of actor?.sessions.values() ?? []) await session?.end("lose");
    await this.#orphan?.end("lose");
  }
}
