// The short form of fleet/test/chaos.ts: real processes, of which some are killed and one is
// frozen, whatever they are doing.
import { expect, test } from "vitest";
import { newDatabase, newFolder, server } from "../../test/database.ts";
import { chaos } from "./test/chaos.ts";

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1_000_000));

test.skipIf(server === undefined)(
  `workers that are killed and frozen lose no row, and put none in twice (SEED=${seed})`,
  async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    const { killed, frozen } = await chaos({
      dsn: database.dsn,
      folder: folder.path,
      servers: 2,
      workers: 2,
      files: 6,
      rows: 2000,
      workbooks: 3,
      kills: 3,
      seed,
      print: () => undefined,
    });
    expect(killed + frozen).toBeGreaterThan(0);
  },
  600_000,
);
