// A few interruptions of each kind, each at another moment every time; test/crash.ts makes many of
// them. SEED gives a run's moments again, as far as the machine is as fast.
import { afterAll, describe, expect, test, vi } from "vitest";
import { Random } from "../sample/random.ts";
import { clock, freeze, kill, killAtEnd, network, poolerEnds, restart, together } from "./crash/faults.ts";
import { canMount, fillDisk } from "./crash/full-disk.ts";
import { Lab } from "./crash/lab.ts";
import { METHODS } from "../options.ts";
import { hasPgbouncer } from "./pgbouncer.ts";

// Each is several imports. A program that hangs ends its test earlier.
vi.setConfig({ testTimeout: 300_000 });

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const lab = await Lab.open().catch((error: unknown) => {
  if (process.env["CI"]) throw error;
  console.warn(`No PostgreSQL of our own: crash tests are skipped. ${String(error)}`);
  return undefined;
});
afterAll(async () => {
  console.log(`crash tests: seed ${seed}`);
  await lab?.[Symbol.asyncDispose]();
});
let stream = 0;
const random = (): Random => new Random(seed, ++stream);
/** A COPY is on its way by then. */
const MIDDLE = 500_000;
/** Rows go in by then, and more will. */
const BEGUN = 100_000;
/**
 * The process has looked at the table and the ledger by then, and has begun. A connection lost
 * before that ends it.
 */
const LOOKED = 60_000;

describe.skipIf(!lab)("an import that is interrupted goes on exactly where it was", () => {
  test.each(METHODS)("%s: killed with -9 while rows go in", async (method) => {
    await lab!.run("PostgreSQL", method, kill, random());
  });

  test("copy, all rows in one transaction: killed with -9", async () => {
    await lab!.run("PostgreSQL", "copy", kill, random(), "checked", true);
  });

  test.each(["concurrent", "copy"] as const)("%s: killed while rows are updated by their key", async (method) => {
    await lab!.run("PostgreSQL", method, kill, random(), "keyed");
  });

  test("copy: killed after its last commit, the same command says that all is in", async () => {
    await lab!.run("PostgreSQL", "copy", killAtEnd, random(), "checked");
  });

  test("batch: several processes at once put each row in once", async () => {
    await lab!.run("PostgreSQL", "batch", together, random(), "made");
  });

  test("batch: the answer to a COMMIT is lost", async () => {
    expect(await lab!.run("PostgreSQL", "batch", network("answer", BEGUN, LOOKED), random(), "keyed")).toMatchObject({
      what: "went on by itself",
    });
  });

  test("batch: the database forgets no commit although synchronous_commit is off", async () => {
    await lab!.run("PostgreSQL", "batch", restart(lab!.server, true), random(), "keyed");
  });

  test.each(["batch", "copy"] as const)("%s into the embedded database: killed with -9", async (method) => {
    await lab!.run("PGlite", method, kill, random());
  });

  describe.skipIf(!hasPgbouncer())("behind a pooler", () => {
    test("batch: killed with -9 while rows go in", async () => {
      await lab!.run("pgbouncer", "batch", kill, random(), "keyed");
    });

    test("copy: the pooler restarts", async () => {
      await lab!.run("pgbouncer", "copy", poolerEnds, random(), "checked");
    });
  });

  test.each(["sequential", "copy"] as const)(
    "%s: stopped for longer than its lease, it is taken over; when it wakes up it changes nothing and says so",
    async (method) => {
      await lab!.run("PostgreSQL", method, freeze, random(), "checked");
    },
  );

  test("copy: stopped while a unique index holds its rows, it keeps nobody waiting", async () => {
    await lab!.run("PostgreSQL", "copy", freeze, random(), "unique");
  });

  test("batch: the database stops without warning and comes back", async () => {
    await lab!.run("PostgreSQL", "batch", restart(lab!.server), random(), "checked");
  });

  test("copy: the connections are cut in the middle of a COPY", async () => {
    expect(await lab!.run("PostgreSQL", "copy", network("drop", MIDDLE, LOOKED), random(), "checked")).toMatchObject({
      what: "went on by itself",
    });
  });

  test("copy: the connections swallow everything in the middle of a COPY", async () => {
    await lab!.run("PostgreSQL", "copy", network("hole", MIDDLE), random(), "unique");
  });

  test("copy: killed while the clock of the machine jumps by days", async () => {
    await lab!.run("PostgreSQL", "copy", clock, random(), "made");
  });

  test.skipIf(!canMount())("copy: the database's disk is full, and is made larger", async () => {
    expect(await fillDisk(lab!, "copy")).toMatch(/No space left on device.*disk is full: make room/);
  });
});
