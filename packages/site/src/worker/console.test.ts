import { Console } from "node:console";
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { consoleOf } from "./console.ts";

type Printing = Pick<Console, "log" | "dir" | "table" | "assert" | "count" | "countReset" | "group" | "groupEnd">;

function printedBy(print: (console: Printing) => void): { node: string; page: string } {
  const texts = { node: "", page: "" };
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      texts.node += chunk;
      done();
    },
  });
  print(new Console({ stdout: stream, stderr: stream, colorMode: false }));
  print(consoleOf((text) => (texts.page += text)) as Printing);
  return texts;
}

test("each method of a page's console prints what Node's prints", () => {
  const { node, page } = printedBy((console) => {
    console.log("%s is %d", "it", 3, { a: [1, { b: { c: { d: 1 } } }] });
    console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
    console.table([{ a: 1, b: "two" }, { a: undefined, c: { d: 1 } }, { a: { d: 1, e: 2, f: 3 }, b: [1, 2, 3] }, 5]);
    console.table({ north: { mean: 2.5 }, south: { mean: 3 } }, ["mean"]);
    console.table(["x", "y"]);
    console.table("no rows");
    console.assert(true, "not this");
    console.assert(false, "this %s", "one");
    console.assert(0);
    console.assert("");
    console.count();
    console.count("hits");
    console.count();
    console.countReset();
    console.count();
    console.group("outer");
    console.log("two\nlines");
    console.group();
    console.log({ a: 1 });
    console.groupEnd();
    console.groupEnd();
    console.groupEnd();
    console.log("no longer indented");
  });
  expect(node).not.toBe("");
  expect(page).toBe(node);
});

test("a page's console measures times, and shows where a trace is", () => {
  let text = "";
  const console = consoleOf((written) => (text += written));
  console.time?.("work");
  console.timeLog?.("work", "half");
  console.timeEnd?.("work");
  console.timeEnd?.("work");
  console.trace?.("here %d", 1);
  expect(text).toMatch(/^work: \d+\.\d{3}ms half\nwork: \d+\.\d{3}ms\nTrace: here 1\n {4}at /);
});
