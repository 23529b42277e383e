// The stages under many schedules: as they are, and with a wait taken out, which a schedule must
// show.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

async function explored(planted: readonly string[]): Promise<string> {
  const program = [join(import.meta.dirname, "test/explored.ts"), JSON.stringify(planted)];
  const child = spawn(process.execPath, ["--no-warnings", "--conditions=source", ...program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const status = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return status === 0 ? stdout.trim() : stderr;
}

test("all rows are committed when a run is complete, in every schedule", async () => {
  expect(await explored([])).toBe("100 schedules are right");
});

test.each([
  [
    "wait for a commit",
    `await traced("sluice.commit", attributes, () => sink.commit(encoded));`,
    "void sink.commit(encoded);",
    /\d of 11 rows are committed|commits at once/,
  ],
  ["wait for the stages to end", "await group.wait();", "void group.wait();", /it is not complete/],
  [
    "wait for the last chunk to be taken",
    "return encoder.empty || (stop.err() === undefined && (await pass()));",
    "if (!encoder.empty) void pass(); return true;",
    /send on closed channel|\d of 11 rows are committed/,
  ],
  ["release of a batch", "      batch.release();\n", "", /0 of 3 batches are released/],
])("a missing %s is found", async (_, from, to, failure) => {
  expect(await explored([from, to])).toMatch(failure);
});
