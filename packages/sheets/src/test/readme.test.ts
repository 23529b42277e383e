// The snippets of README.md run, and print what stands behind `// =>`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeOfWorkspace } from "./node.ts";
import { workbook } from "./workbook-writer.ts";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const snippets = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);

const folder = mkdtempSync(join(tmpdir(), "sheets-readme-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "businesses.xlsx");
const header = ["Name", "Rating", "Since"].map(
  (text, i) => `<c r="${"ABC"[i]}1" t="inlineStr"><is><t>${text}</t></is></c>`,
);
writeFileSync(
  file,
  workbook({
    formats: ["yyyy-mm-dd"],
    sheets: [
      {
        name: "Businesses",
        rows: `<row r="1">${header.join("")}</row><row r="2"><c r="A2" t="inlineStr"><is><t>Blue River Café</t></is></c><c r="B2"><v>4.5</v></c><c r="C2" s="1"><v>43861</v></c><c r="D2" s="1"/></row><row r="3"><c r="A3" t="inlineStr"><is><t>"Quoted"</t></is></c><c r="B3" t="str"><v>open</v></c></row>`,
      },
    ],
  }),
);

test.each(snippets.map((code, i) => [i + 1, code] as const))("snippet %i runs and prints what it says", (_, code) => {
  const program = code.replaceAll('"businesses.xlsx"', JSON.stringify(file));
  const flags = ["--disable-warning=ExperimentalWarning", "--conditions=source", "--input-type=module-typescript"];
  const out = execFileSync(nodeOfWorkspace, [...flags, "--eval", program], { cwd: root, encoding: "utf8" });
  const want = [...code.matchAll(/\/\/ => (.*)$/gm)].map(([, text]) => text);
  expect(want.length).toBeGreaterThan(0);
  expect(out.trimEnd().split("\n")).toEqual(want);
});
