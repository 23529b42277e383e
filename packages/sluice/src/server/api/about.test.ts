// GET /about names the database, and neither its server nor its password.
import { describe, expect, test } from "vitest";
import { databases, server } from "../../test/database.ts";
import { ask } from "../test/client.ts";
import { startService } from "../test/service.ts";
import type { About } from "./about.ts";

describe.skipIf(server === undefined)("GET /about", () => {
  test("names the program, the database and the largest file, and no server", async () => {
    await using service = await startService({ maxFileBytes: 1024 });
    const { status, body } = await ask<About>(service, "GET", "/about");
    const { pathname, hostname } = new URL(service.database.dsn);
    expect([status, body]).toEqual([
      200,
      {
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        database: { product: "PostgreSQL", version: expect.stringMatching(/^\d+[\d.]*$/), name: pathname.slice(1) },
        maxFileBytes: 1024,
        fleet: false,
      },
    ]);
    expect(JSON.stringify(body)).not.toContain(hostname);
  });

  test("says that the database is the embedded one", async () => {
    await using embedded = await databases.find(({ name }) => name === "PGlite")!.open();
    await using service = await startService({ target: embedded.target });
    const { body } = await ask<About>(service, "GET", "/about");
    expect(body.database.product).toBe("Embedded PostgreSQL");
  });
});
