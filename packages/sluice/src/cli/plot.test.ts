import { expect, test } from "vitest";
import { svgPlot } from "./plot.ts";

const PLOT = {
  title: "Rows <a second> & more",
  x: "rows",
  y: "rows a second",
  series: [
    { name: "copy", points: [1_000, 10_000, 100_000].map((x) => ({ x, y: x })) },
    { name: "batch", points: [1_000, 10_000, 100_000].map((x) => ({ x, y: 50_000 })) },
    { name: "twin", points: [1_000, 10_000, 100_000].map((x) => ({ x, y: x })) },
  ],
};

/** The pixels of each line's points. */
function lines(svg: string): number[][][] {
  return [...svg.matchAll(/<path d="M([\d L]+)" fill="none"/g)].map(([, path]) =>
    path!.split("L").map((point) => point.split(" ").map(Number)),
  );
}

test("equal factors are equal steps, and more is higher", () => {
  const [copy, batch] = lines(svgPlot(PLOT));
  expect(copy).toHaveLength(3);
  const [[x1, y1], [x2, y2], [x3, y3]] = copy as [number[], number[], number[]];
  expect(Math.abs(x3! - x2! - (x2! - x1!))).toBeLessThanOrEqual(1);
  expect(Math.abs(y3! - y2! - (y2! - y1!))).toBeLessThanOrEqual(1);
  expect(y1).toBeGreaterThan(y3!);
  expect(new Set(batch!.map(([, y]) => y)).size).toBe(1);
});

test("the axes go from a power of ten to another one", () => {
  const svg = svgPlot(PLOT);
  for (const tick of ["1,000", "10,000", "100,000"]) expect(svg.split(`>${tick}</text>`)).toHaveLength(3);
  expect(svg).not.toContain(">1,000,000</text>");
});

test("one size alone is a point on the plot", () => {
  const [line] = lines(svgPlot({ ...PLOT, series: [{ name: "copy", points: [{ x: 1_000, y: 1_000 }] }] }));
  for (const value of line!.flat()) expect(value).toBeGreaterThan(0);
});

test("texts are text, and names of lines that end at one place do not cover each other", () => {
  const svg = svgPlot(PLOT);
  expect(svg).toContain("<title>Rows &lt;a second> &amp; more</title>");
  const heights = [...svg.matchAll(/y="(\d+)" fill="#\w+">(?:copy|twin)</g)].map(([, y]) => Number(y));
  expect(Math.abs(heights[0]! - heights[1]!)).toBeGreaterThanOrEqual(16);
});
