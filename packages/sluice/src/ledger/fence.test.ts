// The ledger's own defences, each alone: what a process that was taken over sends, as if nobody had
// ended its sessions, and what two imports of one ledger do to each other. The functions are called
// as SQL.
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { releaseEarlier, standingOf } from "../database/followed.ts";
import type { Claim } from "../target.ts";
import { newName, server } from "../test/database.ts";
import {
  buildIndex,
  chunksOf,
  claimImport,
  countsOf,
  findImports,
  indexesLeft,
  lookAt,
  OWNER,
  renewLease,
  replacedBy,
  settleImport,
  storeOtherPlan,
  takenOver,
  type ImportKey,
} from "./ledger.ts";
import { BEGUN_ALREADY, LEDGER_DDL, OTHER_TABLE, OUT_OF_STEP, TAKEN_OVER } from "./schema.ts";
import { IDLE_TABLE, newImport, Place, PLAN, ProcessTarget, TABLE } from "./test/place.ts";

const kinds = [...(server === undefined ? [] : (["PostgreSQL"] as const)), "PGlite"] as const;

describe.each(kinds)("on %s", (kind) => {
  let place: Place;
  let target: ProcessTarget;
  beforeAll(async () => {
    place = await Place.open(kind);
    await place.install();
    target = new ProcessTarget(place, OWNER);
  });
  afterAll(() => place[Symbol.asyncDispose]());

  /**
   * Two imports at the same place: chunk 0 is half-way, chunk 1 is done, chunk 2 is half-way. What
   * is done to one is not done to the other.
   */
  async function twoImports(): Promise<{ mine: Claim; other: Claim; expectOtherSame(): Promise<void> }> {
    const [other, mine] = [await newImport(place, newName("content")), await newImport(place, newName("content"))];
    for (const { id } of [other, mine])
      for (const [n, done] of [1, 2, 1].entries()) await commit(id, { chunk: n, rows: 2, upto: done });
    const before = await entryOf(other.id);
    return { mine, other, expectOtherSame: async () => expect(await entryOf(other.id)).toEqual(before) };
  }

  /** Takes an import over; nobody ends the sessions of the process before. */
  async function takeOver({ id }: Claim): Promise<Claim> {
    const epoch = await claim(id, { forced: true });
    return { id, epoch: Number(epoch) };
  }

  async function claim(
    id: string,
    { owner = "somebody", forced = false, exclusive = place.exclusive, milliseconds = 3_600_000 } = {},
  ): Promise<string | null> {
    const { rows } = await place.query("select sluice.claim($1, $2, $3::integer, $4::boolean, $5::boolean)::text", [
      id,
      owner,
      String(milliseconds),
      String(forced),
      String(exclusive),
    ]);
    return rows[0]![0]!;
  }

  async function commit(
    id: string,
    { epoch = "1" as string | null, chunk = 0, rows = 2, at = 0, upto = 1, counts = [1, 0, 0, 0], table = TABLE },
  ): Promise<void> {
    await place.query(
      `select sluice.commit_rows($1, ${epoch}, ${chunk}, ${rows}, ${at}, ${upto}, ${counts.join(", ")}, '${table}'::regclass)`,
      [id],
    );
  }

  /** All that the ledger has of an import. */
  async function entryOf(id: string): Promise<unknown> {
    const { rows } = await place.query(
      `select i::text from sluice.imports i where id = $1 union all select l::text from sluice.leases l where import = $1
       union all select * from (select c::text from sluice.chunks c where import = $1 order by n) chunks
       union all select r::text from sluice.rejects r where import = $1`,
      [id],
    );
    return rows;
  }

  async function chunk(id: string, n = 0): Promise<unknown> {
    const { rows } = await place.query(
      "select done, inserted, updated, skipped, rejected, epoch from sluice.chunks where import = $1 and n = $2::integer",
      [id, String(n)],
    );
    return rows[0]?.map(Number);
  }

  describe("commit_rows", () => {
    test.each<[what: string, code: string, call: Parameters<typeof commit>[1]]>([
      ["the first step, by an old epoch", TAKEN_OVER, { chunk: 3 }],
      ["the first step, by no epoch", TAKEN_OVER, { chunk: 3, epoch: null }],
      ["the first step, by an epoch that is not there yet", TAKEN_OVER, { chunk: 3, epoch: "3" }],
      ["a later step, by an old epoch", TAKEN_OVER, { at: 1, upto: 2 }],
      ["a later step, by no epoch", TAKEN_OVER, { at: 1, upto: 2, epoch: null }],
      ["a later step of a chunk that is done, by an old epoch", TAKEN_OVER, { chunk: 1, at: 1, upto: 2 }],
      ["a later step of a chunk that is not begun, by an old epoch", TAKEN_OVER, { chunk: 3, at: 1, upto: 2 }],
      ["the first step of a chunk that is begun", OUT_OF_STEP, { epoch: "2" }],
      ["the first step of a chunk that is done", OUT_OF_STEP, { chunk: 1, epoch: "2" }],
      ["a later step from before where the chunk is", OUT_OF_STEP, { chunk: 1, at: 1, upto: 2, epoch: "2" }],
      ["a later step from after where the chunk is", OUT_OF_STEP, { rows: 3, at: 2, upto: 3, epoch: "2" }],
      ["a later step of a chunk that is not begun", OUT_OF_STEP, { chunk: 3, at: 1, upto: 2, epoch: "2" }],
      ["the first step into another table", OTHER_TABLE, { chunk: 3, epoch: "2", table: IDLE_TABLE }],
      ["a later step into another table", OTHER_TABLE, { at: 1, upto: 2, epoch: "2", table: IDLE_TABLE }],
    ])("refuses %s", async (_, code, call) => {
      const { mine, expectOtherSame } = await twoImports();
      await takeOver(mine);
      const before = await entryOf(mine.id);
      await expect(commit(mine.id, call)).rejects.toMatchObject({ code });
      expect(await entryOf(mine.id)).toEqual(before);
      await expectOtherSame();
    });

    test.each(["finished", "failed", "cancelled"])("refuses the holder of an import that is %s", async (state) => {
      const { mine } = await twoImports();
      await place.query(`update sluice.imports set state = '${state}' where id = $1`, [mine.id]);
      await expect(commit(mine.id, { chunk: 3 })).rejects.toMatchObject({ code: TAKEN_OVER });
      await expect(commit(mine.id, { chunk: 1, at: 1, upto: 2 })).rejects.toMatchObject({ code: TAKEN_OVER });
    });

    test("refuses an import that is not there", async () => {
      await newImport(place);
      await expect(commit("nobody", {})).rejects.toMatchObject({ code: TAKEN_OVER });
      await expect(commit("nobody", { at: 1, upto: 2 })).rejects.toMatchObject({ code: TAKEN_OVER });
    });

    test("adds to one chunk of one import, all four counts", async () => {
      const { mine, expectOtherSame } = await twoImports();
      await commit(mine.id, { chunk: 3, rows: 20, upto: 10, counts: [1, 2, 3, 4] });
      expect(await chunk(mine.id, 3)).toEqual([10, 1, 2, 3, 4, 1]);
      await place.query("update sluice.chunks set committed_at = '-infinity' where import = $1", [mine.id]);
      await commit(mine.id, { chunk: 3, rows: 20, at: 10, upto: 20, counts: [5, 6, 7, 8] });
      expect(await chunk(mine.id, 3)).toEqual([20, 6, 8, 10, 12, 1]);
      for (const [n, done] of [1, 2, 1].entries()) expect(await chunk(mine.id, n)).toEqual([done, 1, 0, 0, 0, 1]);
      const late = "select n::text from sluice.chunks where import = $1 and committed_at > '-infinity'";
      expect((await place.query(late, [mine.id])).rows).toEqual([["3"]]);
      await expectOtherSame();
    });

    test("goes by the shape of its own import's table; an import of version 1 has none", async () => {
      const { mine, other } = await twoImports();
      await place.query("update sluice.imports set shape = 'another one' where id = $1", [other.id]);
      await commit(mine.id, { at: 1, upto: 2 });
      await expect(commit(other.id, { at: 1, upto: 2 })).rejects.toMatchObject({ code: OTHER_TABLE });
      await place.query("update sluice.imports set shape = null where id = $1", [other.id]);
      await commit(other.id, { at: 1, upto: 2 });
    });
  });

  describe("claim", () => {
    /** Somebody whose lease lasts for an hour, and who is connected. */
    async function atWork(): Promise<{ mine: Claim; expectOtherSame(): Promise<void> }> {
      const two = await twoImports();
      await place.query(
        "update sluice.leases set owner = 'holder', expires_at = clock_timestamp() + interval '1 hour'",
      );
      if (kind === "PostgreSQL") await connected(`sluice ${two.mine.id} 1`);
      const before = await entryOf(two.other.id);
      return { mine: two.mine, expectOtherSame: async () => expect(await entryOf(two.other.id)).toEqual(before) };
    }
    async function connected(name: string, dsn: string = place.dsn!): Promise<void> {
      const client = new pg.Client({ connectionString: dsn, application_name: name });
      await client.connect();
      onTestFinished(() => client.end());
    }

    test("is refused while the holder is at work, and changes nothing", async () => {
      const { mine } = await atWork();
      const before = await entryOf(mine.id);
      // One process at a time has the embedded database, so another one's lease is of one that is
      // gone.
      expect(await claim(mine.id, { owner: place.exclusive ? "holder" : "somebody" })).toBeNull();
      expect(await entryOf(mine.id)).toEqual(before);
    });

    test.each(["forced", "the lease is over", "an exclusive database, by another owner"])(
      "is granted if: %s",
      async (why) => {
        const { mine, expectOtherSame } = await atWork();
        if (why === "the lease is over")
          await place.query("update sluice.leases set expires_at = clock_timestamp() where import = $1", [mine.id]);
        const exclusive = why === "an exclusive database, by another owner";
        const owner = exclusive ? "somebody" : "holder";
        expect(await claim(mine.id, { owner, forced: why === "forced", exclusive: exclusive || place.exclusive })).toBe(
          "2",
        );
        await expectOtherSame();
        expect(
          (
            await place.query(
              "select owner, (expires_at > clock_timestamp() + interval '59 minutes')::text from sluice.leases where import = $1",
              [mine.id],
            )
          ).rows,
        ).toEqual([[owner, "true"]]);
        expect(
          (await place.query("select epoch::text, state from sluice.imports where id = $1", [mine.id])).rows,
        ).toEqual([["2", "running"]]);
        expect(await Promise.all([0, 1, 2].map((n) => chunk(mine.id, n)))).toEqual([
          [1, 1, 0, 0, 0, 2],
          [2, 1, 0, 0, 0, 1],
          [1, 1, 0, 0, 0, 2],
        ]);
      },
    );

    const others: [what: string, name: (id: string) => string, elsewhere: boolean][] = [
      ["of another import", () => "sluice another 1", false],
      ["of another epoch", (id) => `sluice ${id} 2`, false],
      ["to another database", (id) => `sluice ${id} 1`, true],
    ];
    // PGlite has one connection only.
    test.each(kind === "PGlite" ? [] : others)(
      "is granted if there is only a connection %s",
      async (_, name, elsewhere) => {
        const { mine } = await twoImports();
        await place.query(
          "update sluice.leases set expires_at = clock_timestamp() + interval '1 hour' where import = $1",
          [mine.id],
        );
        await connected(name(mine.id), elsewhere ? server : place.dsn);
        expect(await claim(mine.id)).toBe("2");
      },
    );

    test.each(["finished", "cancelled"])("is refused of an import that is %s", async (state) => {
      const { mine } = await twoImports();
      await place.query(`update sluice.imports set state = '${state}' where id = $1`, [mine.id]);
      const before = await entryOf(mine.id);
      await expect(claim(mine.id, { forced: true })).rejects.toMatchObject({ code: TAKEN_OVER });
      expect(await entryOf(mine.id)).toEqual(before);
    });

    test("makes an import that failed run", async () => {
      const { mine } = await twoImports();
      await settleImport(target, mine, "failed", "a message");
      expect(await claim(mine.id)).toBe("2");
      expect((await standingOf(target, { id: mine.id, epoch: 2 })).standing).toBe("taken over");
      expect((await findImports(target, { id: mine.id }))[0]).toMatchObject({ state: "running", owner: "somebody" });
    });

    test("of an import that is not there is none", async () => {
      await newImport(place);
      expect(await claim("nobody", { forced: true })).toBeNull();
    });
  });

  describe("what the program sends", () => {
    const SENT: readonly [what: string, run: (claim: Claim) => Promise<unknown>, says: unknown][] = [
      ["renews a lease", (claim) => renewLease(target, claim), false],
      ["stores another plan", (claim) => storeOtherPlan(target, claim, { ...PLAN, method: "copy" }), undefined],
      [
        "takes an index off the list",
        (claim) => buildIndex(target, claim, { columns: ["step"] }, IDLE_TABLE),
        undefined,
      ],
      ["gives an import back", (claim) => settleImport(target, claim, "running"), undefined],
      ["lets an import fail", (claim) => settleImport(target, claim, "failed", "why"), undefined],
      ["cancels an import", (claim) => settleImport(target, claim, "cancelled"), undefined],
      ["finishes an import", (claim) => settleImport(target, claim, "finished", null, 3), undefined],
    ];

    test.each(SENT)("%s, but not if it was taken over", async (_, run, says) => {
      const { mine } = await twoImports();
      await takeOver(mine);
      const before = await entryOf(mine.id);
      expect(await run(mine)).toEqual(says);
      expect(await entryOf(mine.id)).toEqual(before);
    });

    test.each(SENT)("%s, of its own import", async (_, run, says) => {
      const { mine, expectOtherSame } = await twoImports();
      const before = await entryOf(mine.id);
      const said = await run(mine);
      if (says !== undefined || said !== undefined) expect(said).not.toEqual(says);
      expect(await entryOf(mine.id)).not.toEqual(before);
      await expectOtherSame();
    });

    test("counts an import that it holds", async () => {
      const { mine } = await twoImports();
      expect(await countsOf(target, mine)).toEqual({ total: 3, inserted: 3, updated: 0, skipped: 0, rejected: 0 });
      const now = await takeOver(mine);
      expect(await countsOf(target, mine)).toBeUndefined();
      await settleImport(target, now, "failed");
      expect(await countsOf(target, now)).toBeUndefined();
    });

    test("takes one index off the list", async () => {
      const { mine } = await twoImports();
      await buildIndex(target, mine, { columns: ["chunk"] }, IDLE_TABLE);
      expect((await indexesLeft(target, mine.id)).map(({ spec }) => spec)).toEqual([{ columns: ["step"] }]);
    });

    test("finishes with the records that the ledger counts, and with no others", async () => {
      const { mine } = await twoImports();
      for (const records of [2, 4]) expect(await settleImport(target, mine, "finished", null, records)).toBeUndefined();
      const all = { total: 3, inserted: 3, updated: 0, skipped: 0, rejected: 0 };
      await renewLease(target, mine);
      expect(await settleImport(target, mine, "finished", null, 3)).toEqual(all);
      expect(await settleImport(target, mine, "finished", null, 3)).toEqual(all);
      for (const state of ["running", "failed", "cancelled"] as const)
        expect(await settleImport(target, mine, state)).toBeUndefined();
      const { rows } = await place.query(
        "select state, total::text, inserted::text, (finished_at is null)::text from sluice.imports where id = $1",
        [mine.id],
      );
      expect(rows).toEqual([["finished", "3", "3", "false"]]);
    });

    test.each(["imports", "leases"])("ends nothing if the epoch in %s alone is another one", async (where) => {
      const { mine } = await twoImports();
      await place.query(`update sluice.${where} set epoch = 2 where ${where === "imports" ? "id" : "import"} = $1`, [
        mine.id,
      ]);
      expect(await settleImport(target, mine, "failed")).toBeUndefined();
      const { rows } = await place.query("select state from sluice.imports where id = $1", [mine.id]);
      expect(rows).toEqual([["running"]]);
    });

    test("an import that is given back has no end", async () => {
      const { mine } = await twoImports();
      await settleImport(target, mine, "failed", "why");
      const now = await takeOver(mine);
      await settleImport(target, now, "running");
      const { rows } = await place.query(
        "select (finished_at is null)::text, message from sluice.imports where id = $1",
        [mine.id],
      );
      expect(rows).toEqual([["true", null]]);
    });

    test("ends the lease of its own earlier epoch, and no other", async () => {
      const { mine, expectOtherSame } = await twoImports();
      const lease = async (): Promise<unknown> =>
        (
          await place.query("select (expires_at > clock_timestamp())::text from sluice.leases where import = $1", [
            mine.id,
          ])
        ).rows[0]![0];
      await releaseEarlier(target, mine);
      expect(await lease()).toBe("true");
      await place.query("update sluice.leases set owner = 'somebody' where import = $1", [mine.id]);
      await releaseEarlier(target, { ...mine, epoch: 2 });
      expect(await lease()).toBe("true");
      await place.query("update sluice.leases set owner = $2 where import = $1", [mine.id, OWNER]);
      await releaseEarlier(target, { ...mine, epoch: 2 });
      expect(await lease()).toBe("false");
      await expectOtherSame();
    });

    test("finds who has an import, and how far its chunks are", async () => {
      const { mine, other } = await twoImports();
      await place.query("update sluice.leases set owner = $2 where import = $1", [mine.id, OWNER]);
      await place.query("update sluice.leases set owner = 'somebody else' where import = $1", [other.id]);
      const chunks = new Map([[0, 1], [1, 2], [2, 1]]); // prettier-ignore
      expect(await standingOf(target, mine, true)).toEqual({ standing: "ours", chunks });
      expect(await standingOf(target, mine)).toEqual({ standing: "ours", chunks: new Map() });
      expect((await standingOf(target, other)).standing).toBe("taken over");
      expect((await standingOf(target, { ...mine, epoch: 2 })).standing).toBe("lost");
      expect((await standingOf(target, { id: "nobody", epoch: 1 })).standing).toBe("unknown");
      await commit(mine.id, { chunk: 3, upto: 2 });
      expect(new Set((await chunksOf(target, mine.id)).keys())).toEqual(new Set([0, 1, 2, 3]));
      expect(new Set((await chunksOf(target, other.id)).keys())).toEqual(new Set([0, 1, 2]));
      await claim(mine.id, { forced: true, owner: "a third" });
      expect((await takenOver(target, mine)).message).toMatch(/was taken over by another process: a third;/);
    });

    test("knows whether the holder is at work: its lease lasts, and it is this process or connected", async () => {
      const { mine } = await twoImports();
      const active = async (): Promise<boolean> => (await findImports(target, { id: mine.id }))[0]!.active;
      const set = (owner: string, minutes: number): Promise<unknown> =>
        place.query(
          "update sluice.leases set owner = $2, expires_at = clock_timestamp() + $3::integer * interval '1 minute' where import = $1",
          [mine.id, owner, String(minutes)],
        );
      await set(OWNER, 60);
      expect(await active()).toBe(true);
      await set(OWNER, -1);
      expect(await active()).toBe(false);
      await set("somebody", 60);
      expect(await active()).toBe(false);
      if (kind === "PGlite") return;
      const client = new pg.Client({ connectionString: place.dsn, application_name: `sluice ${mine.id} 1` });
      await client.connect();
      onTestFinished(() => client.end());
      expect(await active()).toBe(true);
      await set("somebody", -1);
      expect(await active()).toBe(false);
    });

    test("begins nothing if the same has been begun since the look, and looks at nothing else", async () => {
      const { mine } = await twoImports();
      const { contentHash } = (await findImports(target, { id: mine.id }))[0]!;
      const key = { contentHash, sheet: "t", table: TABLE };
      const seen = await lookAt(target, key);
      const mark = async (other: Partial<ImportKey> = {}): Promise<string> =>
        (await lookAt(target, { ...key, ...other })).mark;
      // Neither another content nor what is cancelled is in its way.
      const { id, epoch } = await newImport(place, contentHash);
      expect(await mark()).not.toBe(seen.mark);
      await expect(newImport(place, contentHash, seen)).rejects.toMatchObject({ code: BEGUN_ALREADY });
      await settleImport(target, { id, epoch }, "cancelled");
      expect(await mark()).toBe(seen.mark);
      await newImport(place, newName("content"));
      expect(await mark()).toBe(seen.mark);
      await newImport(place, contentHash, seen);
      const nothing = await mark({ contentHash: "nobody's" });
      for (const other of [{ table: "another" }, { sheet: "another" }]) expect(await mark(other)).toBe(nothing);
      for (const other of [{ table: `public.${TABLE}` }, { sheet: undefined }])
        expect(await mark(other)).toBe(await mark());
    });

    test("knows which import has replaced the rows of another one", async () => {
      const { mine, other } = await twoImports();
      const replaced = (): Promise<string | undefined> => replacedBy(target, mine.id);
      // That import began after the last commit, so it was there to see these rows.
      const set = (sql: string): Promise<unknown> =>
        place.query(`update sluice.imports set ${sql} where id = $1`, [other.id]);
      await set(
        `state = 'finished', started_at = clock_timestamp(), plan = (plan::jsonb || '{"replace": true}')::json`,
      );
      expect(await replaced()).toBe(other.id);
      expect(await replacedBy(target, other.id)).toBeUndefined();
      await set("state = 'failed'");
      expect(await replaced()).toBeUndefined();
      await set("state = 'finished', table_oid = 1");
      expect(await replaced()).toBeUndefined();
      await set(`table_oid = '${TABLE}'::regclass, started_at = '-infinity'`);
      expect(await replaced()).toBeUndefined();
      await set(`started_at = clock_timestamp(), plan = (plan::jsonb || '{"replace": false}')::json`);
      expect(await replaced()).toBeUndefined();
    });
  });

  test("the ledger may be made as often as one likes", async () => {
    await place.install(LEDGER_DDL);
    await place.install(LEDGER_DDL);
    expect((await place.query("select count(*)::text from sluice.ledger")).rows).toEqual([["1"]]);
  });
});

test.skipIf(server === undefined)(
  "a claim ends the sessions of older epochs of its import, in its database, and no others",
  async () => {
    await using place = await Place.open("PostgreSQL");
    await place.install();
    const { id } = await newImport(place);
    const names = [
      `sluice ${id} 1`,
      `sluice ${id} 2`,
      `sluice ${id} 3`,
      "sluice another 1",
      `sluice ${id} one`,
      `other ${id} 1`,
      `sluice ${id} 1 1`,
    ];
    const clients = [...names.map((name) => [name, place.dsn!]), [`sluice ${id} 1`, server!]].map(
      ([name, connectionString]) => new pg.Client({ application_name: name!, connectionString: connectionString! }),
    );
    for (const client of clients) client.on("error", () => undefined);
    await Promise.all(clients.map((client) => client.connect()));
    await place.query("select sluice.claim($1, 'one', 1, true, false)", [id]);
    const notes: string[] = [];
    const target = new ProcessTarget(place, "another");
    expect(await claimImport(target, id, notes, true)).toEqual({ id, epoch: 3 });
    expect(notes).toEqual([expect.stringContaining("rows that they hold are waited for")]);
    await target.endOlder();
    const alive = async (): Promise<boolean[]> =>
    Promise.all(clients.map((client) => client.query("select").then(() => true, () => false))); // prettier-ignore
    await expect.poll(alive).toEqual([false, false, true, true, true, true, true, true]);
    await Promise.all(clients.map((client) => client.end()));
  },
);
