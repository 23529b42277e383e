import { describe, expect, test } from "vitest";
import {
  edit,
  find,
  forget,
  NO_EDITS,
  redo,
  replaceAll,
  replaceIn,
  textAt,
  type,
  undo,
  type Place,
  type Row,
} from "./edits.ts";

const rows: readonly Row[] = [
  { row: 4, cells: ["Ada", "a@x", ""] },
  { row: 9, cells: ["Bob", "b at x", "a.b"] },
];
const before = ({ row, column }: Place): string => rows.find((one) => one.row === row)!.cells[column]!;
const search = (text: string, more: object = {}): Parameters<typeof find>[2] => ({
  text,
  matchCase: false,
  wholeCell: false,
  ...more,
});

describe("edits", () => {
  test("a change is seen, undone, and made again", () => {
    const one = edit(NO_EDITS, [{ row: 9, column: 1, text: "b@x" }], before);
    expect(textAt(one.now, { row: 9, column: 1 }, "b at x")).toBe("b@x");
    const back = undo(one);
    expect([back.now.size, redo(back).now]).toEqual([0, one.now]);
  });

  test("a text that comes back to what it was is no edit, but a step", () => {
    const one = edit(NO_EDITS, [{ row: 4, column: 0, text: "Eve" }], before);
    const two = edit(one, [{ row: 4, column: 0, text: "Ada" }], before);
    expect([two.now.size, two.past.length]).toEqual([0, 2]);
    expect(undo(two).now.get(4)?.get(0)).toBe("Eve");
  });

  test("a change to the same text is no step, and keeps what can be made again", () => {
    const undone = undo(edit(NO_EDITS, [{ row: 4, column: 0, text: "Eve" }], before));
    expect(edit(undone, [{ row: 4, column: 0, text: "Ada" }], before)).toBe(undone);
  });

  test("a new change ends what could be made again", () => {
    const undone = undo(edit(NO_EDITS, [{ row: 4, column: 0, text: "Eve" }], before));
    expect(edit(undone, [{ row: 4, column: 2, text: "x" }], before).future).toEqual([]);
  });

  test("steps that were undone are made again one by one, in their order", () => {
    const steps = [NO_EDITS];
    for (const text of ["E", "Ev", "Eve"]) steps.push(edit(steps.at(-1)!, [{ row: 4, column: 0, text }], before));
    let at = undo(undo(undo(steps[3]!)));
    for (const step of steps.slice(1)) {
      at = redo(at);
      expect(at.now).toEqual(step.now);
    }
    expect([at.past, at.future]).toEqual([steps[3]!.past, []]);
  });

  test("undo and redo at their ends change nothing", () => {
    expect(undo(NO_EDITS)).toEqual(NO_EDITS);
    expect(redo(NO_EDITS)).toEqual(NO_EDITS);
  });

  test("several cells are one step", () => {
    const one = edit(NO_EDITS, replaceAll(rows, NO_EDITS.now, search("a"), "o"), before);
    expect(one.past.length).toBe(1);
    expect(undo(one).now.size).toBe(0);
  });

  test("what is typed into one cell is one step, and another cell begins another one", () => {
    let typed = NO_EDITS;
    for (const text of ["E", "Ev", "Eve"]) typed = type(typed, { row: 4, column: 0, text }, before);
    typed = type(typed, { row: 9, column: 0, text: "Bo" }, before);
    expect([typed.past.length, textAt(undo(typed).now, { row: 4, column: 0 }, "Ada")]).toEqual([2, "Eve"]);
    expect(undo(undo(typed)).now.size).toBe(0);
    // After an undo, typing in the same cell is a new step.
    expect(type(undo(typed), { row: 9, column: 0, text: "B" }, before).past.length).toBe(2);
  });

  test("rows that were sent are forgotten with the steps, the others stay edited", () => {
    const changes = [
      { row: 4, column: 0, text: "Eve" },
      { row: 9, column: 0, text: "Bo" },
    ];
    const left = forget(edit(NO_EDITS, changes, before), [4]);
    expect([[...left.now.keys()], left.past]).toEqual([[9], []]);
  });
});

describe("find and replace", () => {
  test("finds in the text of now, in either case unless it matters", () => {
    const edits = edit(NO_EDITS, [{ row: 9, column: 0, text: "Alba" }], before);
    expect(find(rows, edits.now, search("A"))).toEqual([
      { row: 4, column: 0 },
      { row: 4, column: 1 },
      { row: 9, column: 0 },
      { row: 9, column: 1 },
      { row: 9, column: 2 },
    ]);
    expect(find(rows, edits.now, search("A", { matchCase: true })).length).toBe(2);
  });

  test("means its characters, not a pattern", () => {
    expect(find(rows, NO_EDITS.now, search("a.b"))).toEqual([{ row: 9, column: 2 }]);
    expect(replaceIn("a.b (c) [d]", search("(c)"), "$&")).toBe("a.b $& [d]");
  });

  test.each([...".*+?^${}()|[]\\/-"])("%s is a character like any other", (character) => {
    expect(replaceIn(`1${character}2`, search(character), "x")).toBe("1x2");
    expect(replaceIn("1a2", search(`a${character}`), "x")).toBe("1a2");
  });

  test("finds nothing for nothing, and empty cells if whole cells are asked for", () => {
    expect(find(rows, NO_EDITS.now, search(""))).toEqual([]);
    expect(find(rows, NO_EDITS.now, search("", { wholeCell: true }))).toEqual([{ row: 4, column: 2 }]);
  });

  test("replaces whole cells only if asked to", () => {
    expect(replaceIn("Ada Adams", search("ada"), "X")).toBe("X Xms");
    expect(replaceIn("Ada Adams", search("ada", { wholeCell: true }), "X")).toBe("Ada Adams");
    expect(replaceIn("ADA", search("ada", { wholeCell: true }), "X")).toBe("X");
    expect(replaceIn("ADA", search("ada", { wholeCell: true, matchCase: true }), "X")).toBe("ADA");
  });
});
