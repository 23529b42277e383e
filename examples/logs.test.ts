import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { gosched } from "@sluice/go";
import { background } from "@sluice/go/context";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorsOf, format, parse, sample } from "./logs.ts";

const ctx = background();
let [folder, file] = ["", ""];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "logs-"));
  file = join(folder, "app.log");
});
afterEach(() => rm(folder, { recursive: true }));

describe("the log pipeline", () => {
  it("gives the errors of a log, in their order, formatted", async () => {
    await pipeline(sample(3e6), createWriteStream(file));
    const expected = [...sample(3e6)]
      .join("")
      .split("\n")
      .filter((line) => line.includes(" ERROR "));
    const got: string[] = [];
    for await (const error of errorsOf(ctx, createReadStream(file))) got.push(error);
    expect(got).toEqual(expected.map((line) => format(parse(line))));
    expect(got.length).toBeGreaterThan(2_000);
    expect(got[0]).toBe("[2026-01-01T00:00:00.280Z] ERROR: request 7 took 7 ms");
  });

  it("passes over lines of another form", async () => {
    await writeFile(file, "at main.ts:5\n\n2026-01-01T00:00:00Z ERROR disk full\r\nERROR no time");
    const got: string[] = [];
    for await (const error of errorsOf(ctx, createReadStream(file))) got.push(error);
    expect(got).toEqual(["[2026-01-01T00:00:00Z] ERROR: disk full"]);
  });

  it("reads no more of the log than its reader needs, and closes it when the reader leaves", async () => {
    let [blocks, closed] = [0, false];
    async function* log(): AsyncGenerator<string> {
      try {
        for (const block of sample(5e6)) {
          blocks++; // race:ignore: the test looks while the pipeline rests
          yield block;
        }
      } finally {
        closed = true;
      }
    }
    const errors = errorsOf(ctx, log());
    await errors.recv();
    for (let turns = 0; turns < 100; turns++) await gosched();
    expect(blocks).toBeLessThan(4);
    for await (const _ of errors) break;
    expect([blocks < 4, closed]).toEqual([true, true]);
  });

  it("rejects if the file is not there", async () => {
    await expect(errorsOf(ctx, createReadStream(join(folder, "none.log"))).recv()).rejects.toThrow("ENOENT");
  });
});
