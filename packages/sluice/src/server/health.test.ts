// GET /health tells the truth about the database, and nothing about where it is.
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { newDatabase, server } from "../test/database.ts";
import { startProxy } from "../test/proxy.ts";
import { business, startService } from "./test/service.ts";

describe.skipIf(server === undefined)("GET /health", () => {
  test("GET /health is healthy while the database answers", async () => {
    await using service = await startService();
    const { status, text, headers } = await service.get("/health");
    expect([status, text]).toEqual([200, '{"status":"healthy"}']);
    expect(headers.get("cache-control")).toBe("no-store");
    expect((await service.get("/health", { method: "HEAD" })).status).toBe(200);
  });

  test("GET /health is 503 with the reason when the database goes away, and so is an upload", async () => {
    await using database = await newDatabase();
    const direct = new URL(database.dsn);
    await using proxy = await startProxy(direct, Infinity);
    const dsn = new URL(direct);
    dsn.port = String(proxy.port);
    dsn.password = "hunter2";
    await using service = await startService({ dsn: dsn.href });
    expect((await service.get("/health")).status).toBe(200);
    proxy.make("cut");
    const health = await service.get("/health");
    expect(health.status).toBe(503);
    expect(health.text).toMatch(/^\{"status":"unhealthy","error":"the database: connection refused/);
    const upload = await service.send(await service.workbook([business(1)]), "b.xlsx");
    expect(upload.status).toBe(503);
    expect(upload.text).toMatch(/^\{"error":"the database: connection refused/);
    for (const text of [health.text, upload.text, ...service.lines])
      expect(text).not.toMatch(/hunter2|postgres:|127\.0\.0\.1/);
    expect(await service.uploads()).toEqual([]);
  });

  test("GET /health does not wait for a database that does not answer", async () => {
    const sockets = new Set<{ destroy(): void }>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    const { port } = silent.address() as AddressInfo;
    try {
      await using service = await startService({ dsn: `postgres://u:hunter2@127.0.0.1:${port}/x` });
      const answers = await Promise.all([service.get("/health"), service.get("/health"), service.get("/health")]);
      for (const { status, text } of answers) {
        expect([status, text]).toEqual([503, '{"status":"unhealthy","error":"no answer from the database in 2 s"}']);
      }
      expect(sockets.size).toBe(1);
      for (const socket of sockets) socket.destroy();
    } finally {
      silent.close();
    }
  });
});
