// Hostile files end in a clear error or are read rightly, and the process that reads them stays
// small. A process for each group: where all of its files together keep below the mark, each does.
// What they cost in time is printed by bench/hostile.ts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { nodeOfWorkspace } from "../node.ts";
import { hostileGroups } from "./hostile.ts";
import type { Cost } from "./read.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(Object.entries(hostileGroups))("hostile files, in %s, end as they should, within 300 MB", (_, files) => {
  const paths = files.map(({ file }, i) => {
    const path = join(folder, `${i}.xlsx`);
    writeFileSync(path, file());
    return path;
  });
  const out = execFileSync(nodeOfWorkspace, [join(import.meta.dirname, "read.ts"), ...paths], { encoding: "utf8" });
  const costs = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Cost);
  expect(costs.map(({ ends }, i) => `${files[i]!.name}: ${ends}`)).toEqual(
    files.map(({ name, ends }) => `${name}: ${ends}`),
  );
  expect(costs.at(-1)!.peak).toBeLessThan(300e6);
});
