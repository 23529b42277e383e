// The core runs where there is no Node: none of its modules imports one of Node's, and it works
// without `process`.
import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runProgram } from "./program.ts";

const src = dirname(dirname(fileURLToPath(import.meta.url)));
/** What rewrites modules for the race detector, and the command, run on Node only. */
const nodeOnly = /^(?:race\/(?:register|rewrite|roles|scopes|vite|vitest)|trace\/main)\.ts$/;
const sources = globSync("**/*.ts", { cwd: src }).filter(
  (file) => !file.endsWith(".test.ts") && !/(?:^|\/)test\//.test(file) && !nodeOnly.test(file),
);

describe("the core", () => {
  it("imports nothing of Node's", () => {
    expect(sources.length).toBeGreaterThan(30);
    // Types alone are gone when it runs.
    const foreign = /^(?!import type | \*).*(?:from|import\()\s*["'](?:node:|[a-z])/m;
    expect(sources.filter((file) => foreign.test(readFileSync(`${src}/${file}`, "utf8")))).toEqual([]);
  });

  it("works without process and setImmediate, and gives the event loop its turns there too", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { writeSync } from "node:fs";
      const exit = process.exit.bind(process);
      const host = globalThis as Record<string, unknown>;
      host["process"] = undefined;
      host["setImmediate"] = undefined;
      const { chan, go, main } = await import("go");
      let ticks = 0;
      const interval = setInterval(() => ticks++, 1);
      await main(async () => {
        const ch = chan<number>();
        const end = performance.now() + 200;
        go(async () => { for await (const _ of ch); });
        while (performance.now() < end) await ch.send(1);
        ch.close();
      });
      clearInterval(interval);
      writeSync(1, ticks > 0 ? "yielded" : "starved");
      exit(0);
    `);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "yielded", stderr: "" });
  });
});
