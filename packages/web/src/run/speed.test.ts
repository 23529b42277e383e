import { expect, test } from "vitest";
import { chartOf, NO_SPEED, sped } from "./speed.ts";

test("rates are rows by the time between two counts; counts that come at once make one", () => {
  let speed = sped(NO_SPEED, 0, 1000);
  speed = sped(speed, 50, 1100);
  speed = sped(speed, 500, 1500);
  speed = sped(speed, 500, 2500);
  expect(speed.samples).toEqual([
    { at: 500, rate: 1000 },
    { at: 1500, rate: 0 },
  ]);
});

test("what was in before the page looked is no speed", () => {
  expect(sped(sped(NO_SPEED, 90_000, 0), 90_100, 1000).samples).toEqual([{ at: 1000, rate: 100 }]);
});

test("a long import keeps a bounded number of samples, up to its end", () => {
  let speed = NO_SPEED;
  for (let n = 0; n <= 5000; n++) speed = sped(speed, n * 100, n * 1000);
  expect(speed.samples.length).toBeLessThanOrEqual(240);
  expect(speed.samples.at(-1)).toEqual({ at: 5_000_000, rate: 100 });
});

test("a chart reaches from its first to its last sample, below a round number", () => {
  const samples = [
    { at: 500, rate: 700 },
    { at: 1000, rate: 350 },
  ];
  expect(chartOf(samples, 100, 10)).toEqual({
    line: "M0,10L50.0,3.0L100.0,6.5",
    area: "M0,10L50.0,3.0L100.0,6.5L100,10Z",
    top: 1000,
  });
  expect(chartOf([], 100, 10).line).toBe("");
});

test("each count on both sides of a border, and each chart", () => {
  const first = sped(NO_SPEED, 10, 1000);
  expect([first, sped(first, 20, 1399), sped(first, 20, 1400), sped(first, 5, 2000), sped(sped(first, 20, 1400), 40, 1800)]).toMatchSnapshot("counts");
  const many = (count: number) => ({ ...first, samples: Array.from({ length: count }, (_, n) => ({ at: n, rate: n })), at: 1000 });
  const lengths = [239, 240].map((count) => sped(many(count), 50, 2000).samples);
  expect([lengths.map(({ length }) => length), lengths[1]!.slice(0, 2), lengths[1]!.slice(-2)]).toEqual([[240, 121], [{ at: 1, rate: 0.5 }, { at: 3, rate: 2.5 }], [{ at: 239, rate: 238.5 }, { at: 1000, rate: 40 }]]);
  const tops = [0, 0.5, 1, 1.5, 2, 2.1, 5, 5.1, 10, 11, 999, 1000].map((rate) => chartOf([{ at: 0, rate }], 10, 10).top);
  expect([tops, chartOf([], 10, 10, 30), chartOf([{ at: 0, rate: 5 }], 10, 10, 30), chartOf([{ at: 0, rate: 5 }], 10, 10)]).toMatchSnapshot("charts");
}); // prettier-ignore
