// The picture of an import at work, at times that the test sets.
import { afterEach, expect, test, vi } from "vitest";
import type { PipelineView, Progress } from "../../options.ts";
import { Live, nextEventId } from "./live.ts";

afterEach(() => vi.restoreAllMocks());

function clock(): (to: number) => void {
  let now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  return (to) => void (now = to);
}

const progress = (more: Partial<Progress>): Progress => ({ inserted: 0, updated: 0, skipped: 0, rejected: 0, fraction: 0, milliseconds: 0, ...more }) as Progress; // prettier-ignore

test("ids of events grow with the clock, and always", () => {
  const first = nextEventId();
  expect(nextEventId(0)).toBe(first + 1);
  const late = first + 1e9;
  expect(nextEventId(late + 0.4)).toBe(late);
  expect([nextEventId(late), nextEventId(late), nextEventId(late + 2.6)]).toEqual([late + 1, late + 2, late + 3]);
});

test("an import that waits, begins, goes on and builds indexes", () => {
  const at = clock();
  const live = new Live();
  const events: unknown[] = [];
  const look = (to: number): void => {
    at(to);
    events.push(live.picture().event);
  };
  look(1500);
  at(2000);
  live.begin();
  look(2250);
  live.watch({
    rowsRead: () => 42,
    channels: () => [{ name: "c" }],
    workers: () => [{ id: 1 }],
  } as unknown as PipelineView);
  expect(live.pipeline?.rowsRead()).toBe(42);
  live.tell(progress({ inserted: 50, updated: 30, skipped: 15, rejected: 5, fraction: 0.01, milliseconds: 400 }));
  look(3000);
  live.tell(progress({ inserted: 150, fraction: 0.25, milliseconds: 1500 }));
  look(4000.6);
  live.tell(progress({ inserted: 1150, fraction: 1, milliseconds: 9000, phase: "indexes" }));
  look(9000);
  // Rows that a claim found to be lost: the rate is not below 0.
  live.tell(progress({ inserted: 100, fraction: 0.5, milliseconds: 9000, phase: "rows" }));
  look(9500);
  expect(events).toMatchSnapshot();
});

test("a picture is good for 200 milliseconds, and has another id only if something has changed", () => {
  const at = clock();
  const live = new Live();
  live.begin();
  const first = live.picture();
  live.tell(progress({ inserted: 1 }));
  at(1199);
  expect(live.picture()).toBe(first);
  at(1200);
  const second = live.picture();
  expect(second.event.inserted).toBe(1);
  expect(second.id).toBeGreaterThan(first.id);
  // The rate falls to 0, and then nothing but the time is another one.
  at(9000);
  live.picture();
  at(19_000);
  const third = live.picture();
  at(20_000);
  expect(live.picture()).toBe(third);
});

test("the rate is that of the last three seconds", () => {
  const at = clock();
  const live = new Live();
  live.begin();
  const rates: number[] = [];
  for (const [time, rows] of [[1000, 0], [1500, 100], [2500, 300], [4000, 900], [4500, 900], [4501, 900], [5000, 2000], [8001, 2000], [8300, 2003]] as const) {
    at(time);
    live.tell(progress({ inserted: rows }));
    rates.push(live.picture().event.rate);
  }
  expect(rates).toMatchSnapshot();
}); // prettier-ignore
