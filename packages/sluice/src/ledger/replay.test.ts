// The model and the SQL are one protocol: ways through the model are gone with the real functions,
// in real databases, and both must be at the same place after each step. What the checker finds to
// be needed in the model is needed in the SQL, too: a replay notices when it is taken out.
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { server } from "../test/database.ts";
import { Mismatch } from "./test/agree.ts";
import { mutatedDdl, mutating, MUTATIONS } from "./test/mutations.ts";
import { Place } from "./test/place.ts";
import { ledgerModel, type Size } from "./test/protocol.ts";
import { probe } from "./test/probes.ts";
import { Replay } from "./test/replay.ts";
import { randomWalk, shortestWays, sortOf, type Trace } from "./test/traces.ts";

// A way has hundreds of steps, and a database is asked after each.
vi.setConfig({ testTimeout: 300_000 });

/** Small, and large enough for all kinds of steps. */
const SMALL: Size = { processes: 2, chunks: 1, steps: 2, loaders: 1, unique: false };
const WAYS = shortestWays(ledgerModel(SMALL), SMALL);
const kinds = [...(server === undefined ? [] : (["PostgreSQL"] as const)), "PGlite"] as const;

async function newPlace(kind: (typeof kinds)[number]): Promise<Place> {
  const place = await Place.open(kind);
  onTestFinished(() => place[Symbol.asyncDispose]());
  await place.install();
  return place;
}

/**
 * Goes a way, and probes each sort of state that was not probed before.
 * @throws Mismatch with the way there
 */
async function go(
  place: Place,
  size: Size,
  trace: Trace,
  statement: "copy" | "insert",
  probed: Set<string>,
): Promise<void> {
  await using replay = await Replay.begin(place, size, statement);
  const gone: string[] = [];
  for (const { from, step } of trace) {
    gone.push(step.what);
    try {
      await replay.take(from, step);
      if (!probed.has(sortOf(step.to))) await probe(replay, step.to);
      probed.add(sortOf(step.to));
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      throw new Mismatch(`${error.message}, after: ${gone.join("; ")}`);
    }
  }
}

describe.each(kinds)("on %s the ledger is where the model is", (kind) => {
  test("on the shortest way to each kind of step", async () => {
    const place = await newPlace(kind);
    const statement = kind === "PostgreSQL" ? "copy" : "insert";
    const probed = new Set<string>();
    expect(WAYS.length).toBeGreaterThan(100);
    for (const way of WAYS) await go(place, SMALL, way, statement, probed);
  });

  test("on the shortest way to each kind of step of chunks of one commit, whose rows are taken back", async () => {
    const place = await newPlace(kind);
    const size: Size = { ...SMALL, steps: 1 };
    const ways = shortestWays(ledgerModel(size), size);
    expect(ways.some((way) => way.some(({ step }) => step.act.does === "take back"))).toBe(true);
    const probed = new Set<string>();
    for (const way of ways) await go(place, size, way, kind === "PostgreSQL" ? "copy" : "insert", probed);
  });

  test.each<Size>([
    { processes: 3, chunks: 2, steps: 2, loaders: 2, unique: false },
    { processes: 2, chunks: 3, steps: 3, loaders: 2, unique: true },
  ])("on random ways, with %o", async (size) => {
    const place = await newPlace(kind);
    const model = ledgerModel(size);
    const probed = new Set<string>();
    const draws = fc.infiniteStream(fc.nat());
    await fc.assert(
      fc.asyncProperty(draws, fc.constantFrom("copy", "insert"), async (numbers, statement) => {
        const trace = randomWalk(model, 40, (limit) => numbers.next().value! % limit);
        await go(place, size, trace, statement, probed);
      }),
      { numRuns: kind === "PGlite" ? 5 : 20, endOnFailure: true },
    );
  });
});

describe.skipIf(server === undefined)(
  "what the model needs, the SQL needs: the replay notices that it is taken out",
  () => {
    test.each(MUTATIONS)("without $without", async (mutation) => {
      const place = await newPlace("PostgreSQL");
      let found = mutation.in === "functions";
      if (mutation.in === "functions") await place.install(mutatedDdl(mutation));
      else place.rewrite = mutating(mutation, () => (found = true));
      const probed = new Set<string>();
      const all = (async () => {
        for (const way of WAYS) await go(place, SMALL, way, "copy", probed);
      })();
      await expect(all).rejects.toBeInstanceOf(Mismatch);
      expect(found).toBe(true);
    });
  },
);
