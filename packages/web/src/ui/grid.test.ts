import { describe, expect, test } from "vitest";
import { moved, type Spot } from "./grid-keys.ts";
import { reveal } from "./grid-focus.ts";
import { inSight, offsetsOf, ROW_HEAD_WIDTH, ROW_HEIGHT, widthFor } from "./grid-sight.ts";

const extent = { rows: 100, columns: 5, page: 10 };
const from = (spot: Spot, key: string, far = false): Spot | undefined =>
  moved(spot, { key, ctrlKey: far, metaKey: false }, extent);

describe("keys in a grid", () => {
  test.each<[key: string, far: boolean, row: number, column: number]>([
    ["ArrowUp", false, 49, 2],
    ["ArrowDown", false, 51, 2],
    ["ArrowLeft", false, 50, 1],
    ["ArrowRight", false, 50, 3],
    ["ArrowUp", true, 0, 2],
    ["ArrowDown", true, 99, 2],
    ["Home", false, 50, 0],
    ["End", false, 50, 4],
    ["Home", true, 0, 0],
    ["End", true, 99, 4],
    ["PageUp", false, 40, 2],
    ["PageDown", false, 60, 2],
  ])("%s (with Ctrl: %s)", (key, far, row, column) => {
    expect(from({ row: 50, column: 2 }, key, far)).toEqual({ row, column });
  });

  test("the headings are the last stops, and nothing leads out", () => {
    expect(from({ row: 0, column: 0 }, "ArrowUp")).toEqual({ row: -1, column: 0 });
    expect(from({ row: -1, column: -1 }, "ArrowUp")).toEqual({ row: -1, column: -1 });
    expect(from({ row: 99, column: 4 }, "ArrowDown")).toEqual({ row: 99, column: 4 });
    expect(from({ row: 3, column: 1 }, "PageUp")).toEqual({ row: 0, column: 1 });
    expect(from({ row: 0, column: 0 }, "x")).toBeUndefined();
  });
});

describe("columns in sight", () => {
  const offsets = offsetsOf(Array.from({ length: 10 }, () => ({ width: 100 })));

  test("are those that the window shows, and one more on each side", () => {
    expect(inSight(offsets, 0, 250)).toEqual([0, 4]);
    expect(inSight(offsets, 350, 250)).toEqual([2, 7]);
    expect(inSight(offsets, 900, 250)).toEqual([8, 10]);
    expect(inSight([0], 0, 250)).toEqual([0, 0]);
  });

  test("a column is as wide as its texts, within limits", () => {
    expect(widthFor([""])).toBe(88);
    expect(widthFor(["x".repeat(5000)])).toBe(300);
    expect(widthFor(["twenty characters ok", null])).toBe(178);
  });
});

test("a cell comes in sight by as little scrolling as that takes", () => {
  const offsets = offsetsOf(Array.from({ length: 10 }, () => ({ width: 100 })));
  const after = (row: number, column: number, top: number, left: number): [top: number, left: number] => {
    const box = {
      clientHeight: 20 + 3 * ROW_HEIGHT,
      clientWidth: ROW_HEAD_WIDTH + 250,
      scrollTop: top,
      scrollLeft: left,
    };
    reveal(box, { row, column }, offsets, 20);
    return [box.scrollTop, box.scrollLeft];
  };
  expect(after(0, 0, 0, 0)).toEqual([0, 0]);
  expect(after(2, 1, 0, 0)).toEqual([0, 0]);
  expect(after(3, 2, 0, 0)).toEqual([ROW_HEIGHT, 50]);
  expect(after(9, 9, 0, 0)).toEqual([7 * ROW_HEIGHT, 750]);
  expect(after(1, 1, 5 * ROW_HEIGHT, 400)).toEqual([ROW_HEIGHT, 100]);
  expect(after(-1, -1, 70, 30)).toEqual([70, 30]);
});
