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

/** A database that refuses some rows, with or without a word about which. */
function database(
  bad: ReadonlySet<number>,
  names: boolean,
): { trial: Trial; stored: number[]; attempts: () => number; sent: () => number } {
  const stored: number[] = [];
  let attempts = 0;
  let sent = 0;
  const trial: Trial = {
    attempt: async (from, to) => {
      attempts++;
      sent += to - from;
      for (let row = from; row < to; row++) if (bad.has(row)) throw new RowFault(names ? row - from : undefined);
      for (let row = from; row < to; row++) stored.push(row);
      return to - from;
    },
    isRowFault: (error) => error instanceof RowFault,
    rowNamed: (error) => (error as RowFault).row,
  };
  return { trial, stored, attempts: () => attempts, sent: () => sent };
}

test("cut() stores every good row once, in order, and refuses every bad one, whether or not the error names the row", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(300), fc.uniqueArray(fc.nat(300)), fc.boolean(), async (size, badRows, names) => {
      const bad = new Set(badRows.filter((row) => row < size));
      const { trial, stored } = database(bad, names);
      const { kept, refused } = await cut(trial, 0, size);
      const good = Array.from({ length: size }, (_, row) => row).filter((row) => !bad.has(row));
      expect(stored).toEqual(good);
      expect(kept).toBe(good.length);
      expect(refused.map(({ row }) => row)).toEqual([...bad].sort((a, b) => a - b));
    }),
  );
});

test("cut() needs three statements for one bad row that is named", async () => {
  const { trial, attempts } = database(new Set([700]), true);
  await cut(trial, 0, 732);
  expect(attempts()).toBe(3);
});

test("cut() needs O(log rows) statements for one bad row that is not named", async () => {
  const { trial, attempts } = database(new Set([700]), false);
  await cut(trial, 0, 1024);
  expect(attempts()).toBeLessThanOrEqual(2 * 10 + 1);
});

test("cut() does not send a chunk anew for each of its bad rows", async () => {
  const size = 10_000;
  const { trial, sent } = database(new Set(Array.from({ length: size }, (_, row) => row)), true);
  await cut(trial, 0, size);
  expect(sent()).toBeLessThan(size * 60);
});

test("cut() passes on an error that is no row's fault", async () => {
  const failure = new Error("the server is gone");
  const trial: Trial = { attempt: () => Promise.reject(failure), isRowFault: () => false, rowNamed: () => undefined };
  await expect(cut(trial, 0, 10)).rejects.toBe(failure);
});

test("cut() with a known error does not make the attempt that gave it again", async () => {
  const { trial, attempts } = database(new Set([3]), true);
  await cut(trial, 0, 10, new RowFault(3));
  expect(attempts()).toBe(2);
});
