// Random programs of goroutines come to what they come to in Go. Go's outcomes are recorded
// (beside-go/compare.ts, which also compares as many other programs as you like).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { play } from "./beside-go/outcome.ts";
import { programOf, type Outcome } from "./beside-go/programs.ts";

const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "beside-go/outcomes.json"), "utf8")) as readonly {
  readonly seed: number;
  readonly outcomes: readonly Outcome[];
}[];

it("random programs end as in Go, with awaits, with fibers and with both", async () => {
  const folder = mkdtempSync(join(tmpdir(), "beside-go-"));
  try {
    for (const [n, { seed, outcomes }] of recorded.entries()) {
      const file = join(folder, `${seed}.json`);
      writeFileSync(file, JSON.stringify(programOf(seed)));
      const lane = ["awaited", "fibers", "mixed"][n % 3]!;
      expect([seed, outcomes]).toEqual([seed, expect.arrayContaining([await play(file, lane)])]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
