// `serve()` from its first line to its end.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { background, withCancel, type Context } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { hold, newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { start as startProgram } from "../test/program.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { serve, type ServeOptions } from "./serve.ts";
import { business, HEADER, waitingForLock } from "./test/service.ts";
import { openAsBlob } from "node:fs";

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly ended: Promise<void>;
  readonly uploads: string;
}

async function start(ctx: Context, database: TestDatabase, options: Partial<ServeOptions> = {}): Promise<Running> {
  const target = await openTarget({ to: database.dsn, connections: 2 });
  const folder = newFolder();
  // A test that fails before it ends the service would wait for it for ever.
  const [own, end] = withCancel(ctx);
  const listening = Promise.withResolvers<string>();
  const ended = serve(own, { target, port: 0, uploadDir: folder.path, print: listening.resolve, ...options });
  ended.catch(listening.reject);
  const line = await listening.promise;
  const url = /^Listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
  if (url === undefined) throw new Error(`unexpected line: ${line}`);
  const dispose = async (): Promise<void> => {
    end();
    await ended;
    await target[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  return { url, ended, uploads: folder.path, [Symbol.asyncDispose]: dispose };
}

async function upload(url: string, rows = 1): Promise<Response> {
  await using folder = newFolder();
  const listed = Array.from({ length: rows }, (_, n) => business(n + 1));
  const path = await writeWorkbook(`${folder.path}/b.xlsx`, { Sheet1: [HEADER, ...listed] });
  const body = new FormData();
  body.append("file", new Blob([await (await openAsBlob(path)).arrayBuffer()]), "b.xlsx");
  return fetch(`${url}/upload`, { method: "POST", body });
}

describe.skipIf(server === undefined)("serve()", () => {
  test("serve() says where it listens, serves, and ends when its context does", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    await using running = await start(ctx, database);
    expect(await (await fetch(`${running.url}/health`)).text()).toBe('{"status":"healthy"}');
    cancel();
    await running.ended;
    await expect(fetch(`${running.url}/health`)).rejects.toThrow();
    expect(await readdir(running.uploads)).toEqual([]);
  });

  test("serve() finishes the imports that have begun, and takes no others", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    await using running = await start(ctx, database);
    expect((await upload(running.url)).status).toBe(200);
    await using lock = await hold(database, "lock table businesses");
    const answer = upload(running.url, 2);
    await expect.poll(() => waitingForLock(database)).toBe(1);
    cancel();
    const knock = (): Promise<unknown> => fetch(`${running.url}/health`).catch(() => "refused");
    await expect.poll(knock).toBe("refused");
    let ended = false;
    void running.ended.then(() => (ended = true));
    expect(ended).toBe(false);
    await lock.release();
    const { status } = await answer;
    expect(status).toBe(200);
    await running.ended;
    expect(await database.query("select count(*) from businesses")).toEqual([["3"]]);
  });

  test("serve() stops a long import after the chunks in flight, says so, and the same file goes on", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    const lines: string[] = [];
    await using running = await start(ctx, database, { log: (line) => lines.push(line) });
    expect((await upload(running.url)).status).toBe(200);
    await using lock = await hold(database, "lock table businesses");
    const answer = upload(running.url, 5000);
    await expect.poll(() => waitingForLock(database)).toBeGreaterThan(0);
    cancel();
    await expect.poll(() => fetch(`${running.url}/health`).catch(() => "refused")).toBe("refused");
    await lock.release();
    const stopped = await answer;
    expect(stopped.status).toBe(503);
    const { error } = (await stopped.json()) as { error: string };
    const [, rows, id] =
      /^The server is stopping: of the first \d+ rows (\d+) are in the table "businesses" and stay there \(import (\w+)\)/.exec(
        error,
      )!;
    await running.ended;
    expect(await database.query("select (count(*) - 1)::text from businesses")).toEqual([[rows]]);
    expect(lines.join("\n")).toContain(id);

    const [next, end] = withCancel(background());
    await using again = await start(next, database);
    const finished = (await (await upload(again.url, 5000)).json()) as { stats: { success_count: number } };
    expect(finished.stats.success_count).toBe(5000);
    expect(await database.query("select count(*) from businesses")).toEqual([["5001"]]);
    end();
  });

  test("serve() answers at once when it is told a second time", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    const [halt, stop] = withCancel(background());
    await using running = await start(ctx, database, { halt });
    expect((await upload(running.url)).status).toBe(200);
    await using lock = await hold(database, "lock table businesses");
    const answer = upload(running.url, 2);
    await expect.poll(() => waitingForLock(database)).toBe(1);
    cancel();
    stop();
    const { status } = await answer;
    expect(status).toBe(503);
    await lock.release();
  });

  test("what a server that was killed left behind is removed by the next one, and nothing else", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    const parent = join(folder.path, "uploads");
    await mkdir(parent);
    await using _living = await start(background(), database, { uploadDir: parent });
    const alive = await readdir(parent);
    const allow = ["--allow", "businesses", "--allow", "shop.*"];
    const args = ["serve", "--port", "0", "--to", database.dsn, "--upload-dir", parent, ...allow];
    const program = startProgram(folder.path, args);
    await expect.poll(program.output, { timeout: 30_000 }).toContain("Listening on ");
    const killedUrl = /http:\S+/.exec(program.output())![0];
    expect((await upload(killedUrl)).status).toBe(200);
    await using lock = await hold(database, "lock table businesses");
    const answer = upload(killedUrl).catch(() => undefined);
    await expect.poll(() => waitingForLock(database)).toBe(1);
    const [left] = (await readdir(parent)).filter((name) => !alive.includes(name));
    expect(await readdir(join(parent, left!))).toHaveLength(1);
    const pid = Number(/-(\d+)-/.exec(left!.replace("sluice-uploads-", ""))![1]);
    process.kill(pid, "SIGKILL");
    await Promise.all([answer, program.finished]);
    await lock.release();

    // Like it, but not its user's alone; not of this machine; a link; of a process that is alive;
    // of an older kind.
    const others = [
      left!.replace(/.{6}$/, "shared"),
      left!.replace(/^sluice-uploads-.{8}/, "sluice-uploads-00000000"),
      left!.replace(/.{6}$/, "linked"),
      alive[0]!.replace(/.{6}$/, "living"),
      "sluice-uploads-abcdef",
    ];
    for (const [n, name] of others.entries())
      if (n === 2) await symlink(folder.path, join(parent, name));
      else await mkdir(join(parent, name), { mode: n === 0 ? 0o755 : 0o700 });

    const lines: string[] = [];
    const [ctx, cancel] = withCancel(background());
    await using next = await start(ctx, database, { uploadDir: parent, log: (line) => lines.push(line) });
    using _cancel = { [Symbol.dispose]: cancel };
    const now = await readdir(parent);
    expect(now).not.toContain(left);
    expect(now).toEqual(expect.arrayContaining([...alive, ...others]));
    expect(now).toHaveLength(alive.length + others.length + 1);
    expect(lines).toEqual([`removed the uploads of a server that was killed: ${left}`]);
    cancel();
    await next.ended;
  });

  test("serve() says what to do when uploads cannot be kept", async () => {
    await using database = await newDatabase();
    await using target = await openTarget({ to: database.dsn });
    const options = { target, port: 0, uploadDir: "/no/such/folder", print: () => undefined };
    await expect(serve(background(), options)).rejects.toMatchObject({
      code: "upload_folder",
      message: expect.stringMatching(
        /^no folder for uploads can be made in .* Name another folder with --upload-dir\.$/,
      ),
    });
  });

  test.each([{ maxUploads: 0 }, { uploadSeconds: -1 }, { silenceSeconds: Number.NaN }, { maxUploadBytes: 1000 }])(
    "serve() refuses limits that nothing could keep to: %j",
    async (limits) => {
      await using database = await newDatabase();
      await using target = await openTarget({ to: database.dsn });
      await expect(serve(background(), { target, port: 0, print: () => undefined, ...limits })).rejects.toMatchObject({
        code: "bad_limit",
        exitCode: 2,
      });
    },
  );

  test("serve() does not wait for connections on which nothing is asked", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    await using running = await start(ctx, database);
    const port = Number(new URL(running.url).port);
    const sockets = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1"), connect(port, "127.0.0.1")] as const;
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    sockets[1].write("GET /health HTTP/1.1\r\nHo");
    sockets[2].write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(sockets[2], "data");
    cancel();
    await running.ended;
    for (const socket of sockets) socket.destroy();
  });

  test("serve() ends at once where its context has ended already", async () => {
    await using database = await newDatabase();
    const [ctx, cancel] = withCancel(background());
    cancel();
    await using running = await start(ctx, database);
    await running.ended;
  });

  test("serve() says what to do when its port is taken", async () => {
    await using database = await newDatabase();
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, "127.0.0.1", resolve);
    });
    const { port } = other.address() as { port: number };
    await using folder = newFolder();
    await using target = await openTarget({ to: database.dsn });
    const options = { target, port, uploadDir: folder.path, print: () => undefined };
    await expect(serve(background(), options)).rejects.toMatchObject({
      code: "cannot_listen",
      message: `cannot listen on 127.0.0.1:${port}: another program listens there. Stop it, or choose another --port.`,
    });
    other.close();
    expect(await readdir(folder.path)).toEqual([]);
  });
});
