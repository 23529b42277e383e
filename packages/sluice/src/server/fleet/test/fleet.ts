// A fleet for tests: real servers and workers in this process, over a real database and a folder of
// their own.
import type { AddressInfo } from "node:net";
import { background, withCancel } from "@sluice/go/context";
import { openTarget } from "../../../database/open.ts";
import { newDatabase, newFolder, type TestDatabase } from "../../../test/database.ts";
import { createServer, type ServerOptions } from "../../app.ts";
import { work, type WorkOptions } from "../work.ts";

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly lines: readonly string[];
}

export interface TestWorker extends AsyncDisposable {
  readonly lines: readonly string[];
  readonly printed: readonly string[];
  /** Lets it finish its chunks in flight and leave. */
  drain(): Promise<void>;
}

export interface TestFleet extends AsyncDisposable {
  readonly database: TestDatabase;
  /** The store. */
  readonly files: string;
  server(options?: Partial<ServerOptions>): Promise<TestServer>;
  worker(options?: Partial<WorkOptions>): Promise<TestWorker>;
}

/** A fleet of no server and no worker yet. What it starts ends with it. */
export async function newFleet({
  files: place,
  database: given,
}: { readonly files?: string; readonly database?: TestDatabase } = {}): Promise<TestFleet> {
  const database = given ?? (await newDatabase());
  const folder = newFolder();
  const uploads = newFolder();
  const files = place ?? folder.path;
  const started = new AsyncDisposableStack();
  started.use(database);
  started.use(folder);
  started.use(uploads);
  const { dsn } = database;
  return {
    database,
    files,
    server: async (options = {}) => {
      const target = started.use(await openTarget({ to: dsn, connections: 2 }));
      const lines: string[] = [];
      const app = await createServer({
        target,
        fleet: { dsn, files },
        uploadDir: uploads.path,
        allow: ["*"],
        log: (line) => lines.push(line),
        ...options,
      });
      const server = started.use({ [Symbol.asyncDispose]: () => app.close().then(() => undefined) });
      await app.listen({ host: "127.0.0.1", port: 0 });
      return { ...server, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, lines };
    },
    worker: async (options = {}) => {
      const target = started.use(await openTarget({ to: dsn, connections: 2 }));
      const [ctx, stop] = withCancel(background());
      const lines: string[] = [];
      const printed: string[] = [];
      const ready = Promise.withResolvers<void>();
      const working = work(ctx, {
        dsn,
        files,
        target,
        maxImports: 1,
        maxFleetImports: undefined,
        maxClientRunning: undefined,
        maxAttempts: 10,
        uploadDir: uploads.path,
        host: "127.0.0.1",
        log: (line) => lines.push(line),
        print: (line) => {
          printed.push(line);
          ready.resolve();
        },
        ...options,
      });
      const drain = async (): Promise<void> => {
        stop();
        await working;
      };
      const worker = started.use({ [Symbol.asyncDispose]: drain });
      await Promise.race([ready.promise, working]);
      return { ...worker, lines, printed, drain };
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
