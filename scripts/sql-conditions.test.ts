import { expect, test } from "vitest";
import { conditionsIn } from "./sql-conditions.ts";

/** What is taken out, and what stands there instead. */
function found(source: string): [text: string, without: string][] {
  return conditionsIn(source).map(({ text, without }) => [text, without]);
}

test("each operand of a condition is found, and what takes it out", () => {
  expect(found("`select 1 from t where a = $1 and (b or c = ${x}) limit 1`")).toEqual([
    ["a = $1", "true and $1 is not distinct from $1"],
    ["(b or c = ${x})", "true"],
    ["b", "false"],
    ["c = ${x}", "false"],
  ]);
  expect(found("`select case when a then 1 end; if not found then raise; end if`")).toEqual([
    ["a", "true"],
    ["not found", "false"],
  ]);
});

test("a parameter that is used elsewhere needs no other use", () => {
  expect(found('"update s.t set a = $1 where b = $1 and c"')).toEqual([
    ["b = $1", "true"],
    ["c", "true"],
  ]);
});

test("a range is one operand", () => {
  expect(found("`select 1 from t where a not between b.c and 7 and d`")).toEqual([
    ["a not between b.c and 7", "true"],
    ["d", "true"],
  ]);
  expect(found("`if a <= 0 or b between c and d then select 1; end if`")).toEqual([
    ["a <= 0", "false"],
    ["b between c and d", "false"],
  ]);
});

test("what is selected may be a condition, up to its from", () => {
  expect(found("`select (select a = 1 or b from c where d is distinct from e) from f`")).toEqual([
    ["a = 1", "false"],
    ["b", "false"],
    ["d is distinct from e", "true"],
  ]);
});

test("what is no condition is passed over: code, comments, messages, texts, DDL", () => {
  expect(found("// where a and b\nconst x = `if that is not so, and this is`;")).toEqual([]);
  expect(
    found("`create table if not exists t (a int); create or replace function f()\n-- where a and b\nselect 'a and b'`"),
  ).toEqual([]);
});

test("the place in the file is what is replaced", () => {
  const source = "const a = 1;\nconst sql = `select\n  from t where it = 1`;";
  const [{ start, end, line }] = conditionsIn(source) as [ReturnType<typeof conditionsIn>[0]];
  expect([source.slice(start, end), line]).toEqual(["it = 1", 3]);
});
