// What an import shows of its stages, and the id that its caller gives it: over a real database.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { runImport } from "../import.ts";
import type { PipelineView } from "../options.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";

describe.skipIf(server === undefined)("an import", () => {
  test("shows its rows, channels and workers while it runs, and idle workers when it has ended", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    const file = join(folder.path, "people.csv");
    writeFileSync(file, `name,age\n${Array.from({ length: 5000 }, (_, n) => `p${n},${n}\n`).join("")}`);
    let view: PipelineView | undefined;
    const during: unknown[] = [];
    const result = await runImport(background(), {
      target,
      file,
      chunkRows: 500,
      workers: 2,
      id: "chosen-by-caller",
      onBegin: (id) => during.push(id),
      onPipeline: (pipeline) => (view = pipeline),
      onProgress: () => during.push(view!.workers().filter(({ state }) => state === "busy").length > 0),
    });
    expect(result).toMatchObject({ id: "chosen-by-caller", total: 5000 });
    expect(during[0]).toBe("chosen-by-caller");
    expect(during.slice(1)).toContain(true);
    expect(view!.rowsRead()).toBe(5000);
    expect(view!.channels()).toEqual([
      { name: "batches", length: 0, capacity: 1 },
      { name: "chunks", length: 0, capacity: 1 },
    ]);
    expect(view!.workers().toSorted(byId)).toEqual(
      ["load 1", "load 2", "read", "encode"].map((id) => ({ id, state: "idle" })).toSorted(byId),
    );
    expect(await database.query("select id from sluice.imports")).toEqual([["chosen-by-caller"]]);
  });

  test("with an id that another import has fails, and changes nothing", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await using target = await openTarget({ to: database.dsn, connections: 2 });
    for (const name of ["a", "b"]) writeFileSync(join(folder.path, `${name}.csv`), `name\n${name}\n`);
    await runImport(background(), { target, file: join(folder.path, "a.csv"), id: "one" });
    await expect(
      runImport(background(), { target, file: join(folder.path, "b.csv"), table: "a", id: "one" }),
    ).rejects.toThrow(/imports_pkey/);
    expect(await database.query("select * from a")).toEqual([["a"]]);
  });
});

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
