// Repaired rows on their way to a service whose answers come when the test says so.
import { expect, test } from "vitest";
import type { Client, MendedRow } from "../api/client.ts";
import { Problem, unreachable } from "../api/problem.ts";
import { Mending } from "./mending.ts";

interface Asked {
  readonly rows: readonly number[];
  answer(more?: object): void;
  fail(error: Error): void;
}

function newMending(): { readonly mending: Mending; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const repair = (id: string, part: readonly MendedRow[]): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const answer = (more: object = {}): void =>
      resolve({ inserted: 0, updated: 0, skipped: 0, rejects: [], settled: [], ...more });
    expect(id).toBe("i1");
    asked.push({ rows: part.map(({ row }) => row), answer, fail: reject });
    return promise;
  };
  const mending = new Mending({ repair } as unknown as Client, "i1");
  return { mending, asked };
}

const rows = (from: number, to: number): MendedRow[] => Array.from({ length: to - from }, (_, n) => ({ row: from + n, cells: ["x"] })); // prettier-ignore

/** Types a text into a cell of each row. */
function type(mending: Mending, ...typed: readonly number[]): void {
  mending.step((edits) => ({
    ...edits,
    now: new Map([...edits.now, ...typed.map((row) => [row, new Map([[0, `text ${row}`]])] as const)]),
  }));
}

const edited = (mending: Mending): number[] => [...mending.edits.value.now.keys()];

test("rows go in parts of 500, and what came of each is added up", async () => {
  const { mending, asked } = newMending();
  type(mending, 0, 499, 500, 1000, 2000);
  expect(mending.isUnsent).toBe(true);
  const sending = mending.send(rows(0, 1001));
  expect([mending.sent.value, mending.ended.value]).toEqual([0, 0]);
  // A second one changes nothing.
  await mending.send(rows(0, 1));
  expect(asked.map(({ rows: [first], rows: all }) => [first, all.length])).toEqual([[0, 500]]);
  asked[0]!.answer({ inserted: 400, updated: 50, skipped: 20, rejects: [1, 2, 3] });
  await expect.poll(() => asked.length).toBe(2);
  expect(mending.sent.value).toBeCloseTo(500 / 1001);
  expect([mending.outcome.value, edited(mending)]).toEqual([{ inserted: 450, skipped: 20, refused: 3 }, [500, 1000, 2000]]); // prettier-ignore
  asked[1]!.answer({ inserted: 1, skipped: 2, rejects: [4] });
  await expect.poll(() => asked.length).toBe(3);
  expect([asked[1]!.rows.length, asked[2]!.rows]).toEqual([500, [1000]]);
  expect(mending.sent.value).toBeCloseTo(1000 / 1001);
  asked[2]!.answer();
  await sending;
  expect([mending.sent.value, mending.ended.value, mending.problem.value, edited(mending)]).toEqual([undefined, 1, undefined, [2000]]); // prettier-ignore
  expect(mending.outcome.value).toEqual({ inserted: 451, skipped: 22, refused: 4 });
});

test("a part that fails keeps its edits, and the parts after it are not sent", async () => {
  const { mending, asked } = newMending();
  type(mending, 0, 500);
  const sending = mending.send(rows(0, 600));
  asked[0]!.fail(new Problem(409, "not_finished", "It has not ended."));
  await sending;
  expect([asked.length, edited(mending), mending.sent.value, mending.ended.value]).toEqual([1, [0, 500], undefined, 1]);
  expect(mending.problem.value?.code).toBe("not_finished");
  // The next list starts empty.
  const again = mending.send(rows(0, 1));
  expect(mending.problem.value).toBeUndefined();
  asked[1]!.answer({ inserted: 1 });
  await again;
  expect(mending.outcome.value).toEqual({ inserted: 1, skipped: 0, refused: 0 });
});

test("rows that were repaired elsewhere are told of, and whether ours may have gone in", async () => {
  const { mending, asked } = newMending();
  type(mending, 1, 2, 3, 4);
  const lost = mending.send(rows(1, 3));
  asked[0]!.fail(unreachable());
  await lost;
  // While the server is away nothing has ended.
  expect([mending.ended.value, mending.problem.value?.isAway, edited(mending)]).toEqual([0, true, [1, 2, 3, 4]]);
  mending.keepOpen((row) => row !== 1 && row !== 3);
  expect(mending.settled.value).toEqual([
    { row: 1, texts: ["text 1"], unanswered: true },
    { row: 3, texts: ["text 3"], unanswered: false },
  ]);
  expect([mending.problem.value, edited(mending)]).toEqual([undefined, [2, 4]]);
  const next = mending.send(rows(2, 3));
  // What is on its way has its own answer.
  mending.keepOpen(() => false);
  expect(edited(mending)).toEqual([2, 4]);
  asked[1]!.answer({ settled: [2, 9] });
  await next;
  expect(mending.settled.value.slice(2)).toEqual([
    { row: 2, texts: ["text 2"], unanswered: true },
    { row: 9, texts: [], unanswered: false },
  ]);
  mending.read();
  expect(mending.settled.value).toEqual([]);
  // A row that was answered since is not unanswered any more.
  type(mending, 2);
  mending.keepOpen(() => false);
  expect(mending.settled.value).toEqual([
    { row: 4, texts: ["text 4"], unanswered: false },
    { row: 2, texts: ["text 2"], unanswered: false },
  ]);
  mending.drop();
  expect([mending.settled.value, mending.isUnsent]).toEqual([[], false]);
});

test("another problem stays until the next sending", async () => {
  const { mending, asked } = newMending();
  const sending = mending.send(rows(0, 1));
  asked[0]!.fail(new Error("oh"));
  await sending;
  mending.keepOpen(() => true);
  expect([mending.problem.value?.code, mending.problem.value?.message, mending.settled.value]).toEqual(["page_failed", "oh", []]); // prettier-ignore
});
