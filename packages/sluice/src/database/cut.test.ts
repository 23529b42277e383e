import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, type Trial } from "./cut.ts";

class RowFault extends Error {
  readonly row: number | undefined;

  constructor(row: number | undefined) {
    super("refused");
    this.row = row;
  }
}

/**
 * A database that refuses some rows. It writes `together` rows at a time and names the last one of
 * those; 0: it names none. `settles`: how often it can try rows one by one.
 */
function database(
  bad: ReadonlySet<number>,
  together: number,
  settles = 0,
): { trial: Trial; stored: number[]; attempts: () => number; sent: () => number } {
  const stored: number[] = [];
  let attempts = 0;
  let sent = 0;
  let left = settles;
  const trial: Trial = {
    settle: async (from, to) => {
      if (left-- <= 0) return undefined;
      attempts++;
      const rows = Array.from({ length: to - from }, (_, n) => from + n);
      const good = rows.filter((row) => !bad.has(row));
      stored.push(...good);
      const refused = rows.filter((row) => bad.has(row)).map((row) => ({ row, error: new RowFault(0) }));
      return { kept: good.length, refused };
    },
    attempt: async (from, to) => {
      attempts++;
      sent += to - from;
      for (let row = from; row < to; row++) {
        if (!bad.has(row)) continue;
        const first = row - from - ((row - from) % together);
        throw new RowFault(together === 0 ? undefined : Math.min(first + together, to - from) - 1);
      }
      for (let row = from; row < to; row++) stored.push(row);
      return to - from;
    },
    isRowFault: (error) => error instanceof RowFault,
    rowNamed: (error) => (error as RowFault).row,
  };
  return { trial, stored, attempts: () => attempts, sent: () => sent };
}

test("cut() stores every good row once, in order, and refuses every bad one, whichever row the error names", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(300),
      fc.uniqueArray(fc.nat(300)),
      fc.nat(9),
      fc.nat(3),
      async (size, badRows, together, settles) => {
        const bad = new Set(badRows.filter((row) => row < size));
        const { trial, stored } = database(bad, together, settles);
        const { kept, refused } = await cut(trial, 0, size);
        const good = Array.from({ length: size }, (_, row) => row).filter((row) => !bad.has(row));
        expect(stored).toEqual(good);
        expect(kept).toBe(good.length);
        expect(refused.map(({ row }) => row)).toEqual([...bad].sort((a, b) => a - b));
      },
    ),
  );
});

test("cut() needs three statements for one bad row that is named", async () => {
  const { trial, attempts } = database(new Set([700]), 1);
  await cut(trial, 0, 732);
  expect(attempts()).toBe(3);
});

test("cut() needs O(log rows) statements for one bad row that is not named", async () => {
  const { trial, attempts } = database(new Set([700]), 0);
  await cut(trial, 0, 1024);
  expect(attempts()).toBeLessThanOrEqual(2 * 10 + 1);
});

test("cut() does not send a chunk anew for each of its bad rows", async () => {
  const size = 10_000;
  const { trial, sent } = database(new Set(Array.from({ length: size }, (_, row) => row)), 1);
  await cut(trial, 0, size);
  expect(sent()).toBeLessThan(size * 60);
});

test("cut() passes on an error that is no row's fault", async () => {
  const failure = new Error("the server is gone");
  const trial: Trial = { attempt: () => Promise.reject(failure), isRowFault: () => false, rowNamed: () => undefined };
  await expect(cut(trial, 0, 10)).rejects.toBe(failure);
});

test("cut() with a known error does not make the attempt that gave it again", async () => {
  const { trial, attempts } = database(new Set([3]), 1);
  await cut(trial, 0, 10, new RowFault(3));
  expect(attempts()).toBe(2);
});

test.each([0, 1])(
  "cut() settles one by one if most rows are bad, whether the error names them (%d)",
  async (together) => {
    const size = 10_000;
    const bad = new Set(Array.from({ length: size }, (_, row) => row));
    const { trial, attempts } = database(bad, together, size);
    expect((await cut(trial, 0, size)).refused).toHaveLength(size);
    expect(attempts()).toBeLessThan(70);
  },
);

test("cut() does not settle one by one if few rows are bad", async () => {
  const bad = new Set(Array.from({ length: 50 }, (_, n) => n * 200 + 100));
  const { trial, attempts } = database(bad, 1, 1);
  await cut(trial, 0, 10_000);
  // The one time is not used.
  expect(await trial.settle!(0, 0)).toBeDefined();
  expect(attempts()).toBeGreaterThan(100);
});

test("cut() goes by no row that an error names outside of what was sent", async () => {
  for (const named of [-1, 4, 5]) {
    const { trial, stored } = database(new Set([2]), 0);
    const { kept, refused } = await cut({ ...trial, rowNamed: () => named }, 0, 4);
    expect([named, kept, stored, refused.map(({ row }) => row)]).toEqual([named, 3, [0, 1, 3], [2]]);
  }
});
