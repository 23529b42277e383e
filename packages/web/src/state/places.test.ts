// Where somebody is, and what is kept of a file's choices.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SheetPreview } from "../api/shapes.ts";
import { findKept, keep } from "./kept.ts";
import { parseRoute, toHash } from "./route.ts";

test("each address is a place, and each place is an address", () => {
  const hashes = ["", "#", "#/", "#/look/ab", "#/look/a%2Fb", "#/look/", "#/look", "#/imports/i%201", "#/imports/%E0%A4%A", "#/history", "#/history?q=a%20b", "#/history?other=1", "#/dead-letters?q=x", "#/other", "/look/ab", "#/look/a/b", "#/history?q=a?b"]; // prettier-ignore
  expect(hashes.map((hash) => `${hash} → ${JSON.stringify(parseRoute(hash))} → ${toHash(parseRoute(hash))}`)).toMatchSnapshot(); // prettier-ignore
});

const store = new Map<string, string>();
beforeEach(() => {
  store.clear();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, text: string) => void store.set(name, text),
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const sheet = (...headers: readonly string[]): SheetPreview =>
  ({ columns: headers.map((header) => ({ header })) }) as unknown as SheetPreview;
const table = (name: string) => ({ columns: {}, options: {}, table: name });

test("choices are found again by the headers, without the sheet", () => {
  vi.spyOn(Date, "now").mockReturnValue(7);
  keep(sheet("a", "b"), { ...table("t"), sheet: "S" }, "f.csv");
  expect(findKept(sheet("a", "b"))).toEqual({ choices: table("t"), file: "f.csv", at: 7 });
  expect([findKept(sheet("b", "a")), findKept(sheet("a"))]).toEqual([undefined, undefined]);
  keep(sheet("a", "b"), table("u"), "g.csv");
  expect(findKept(sheet("a", "b"))?.choices.table).toBe("u");
  // Those that say nothing take the old ones away.
  keep(sheet("a", "b"), { columns: {}, options: {} }, "h.csv");
  expect(findKept(sheet("a", "b"))).toBeUndefined();
});

test("fifty are kept, and the oldest goes first", () => {
  let now = 100;
  vi.spyOn(Date, "now").mockImplementation(() => now);
  for (let n = 0; n < 50; n++) {
    now = 100 + n;
    keep(sheet(`h${n}`), table("t"), "f");
  }
  expect(findKept(sheet("h0"))).toBeDefined();
  now = 50;
  keep(sheet("older"), table("t"), "f");
  expect([findKept(sheet("older")), findKept(sheet("h0"))?.at]).toEqual([undefined, 100]);
  now = 200;
  keep(sheet("new"), table("t"), "f");
  expect([findKept(sheet("h0")), findKept(sheet("h1"))?.at, findKept(sheet("new"))?.at]).toEqual([undefined, 101, 200]);
});

test("a browser that keeps nothing, or something else, offers nothing", () => {
  for (const text of ["null", "7", "{", '"x"']) {
    store.set("sluice.choices", text);
    expect(findKept(sheet("a"))).toBeUndefined();
  }
  vi.stubGlobal("localStorage", {
    getItem: () => null,
    setItem: () => {
      throw new Error("full");
    },
  });
  expect(() => keep(sheet("a"), table("t"), "f")).not.toThrow();
});
