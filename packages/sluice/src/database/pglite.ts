// The embedded PostgreSQL: PGlite on a folder. It has one connection. It runs in a separate worker
// thread, because it blocks its thread for as long as a statement takes.
import { once } from "node:events";
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { Mutex } from "@sluice/go/sync";
import { SluiceError } from "../errors.ts";
import { DATA, pgliteExists } from "./folder.ts";
import { lockFolder } from "./lock.ts";
import { SqlTarget } from "./sql.ts";
import type { Connection, Database, QueryResult, Target } from "../target.ts";

/** The requests to the worker. A copy's data is copied over, since a retry may need it again. */
export type Request =
  | { readonly id: number; readonly query: string; readonly parameters: readonly (string | null)[] | undefined }
  | { readonly id: number; readonly copy: string; readonly data: Uint8Array }
  | { readonly id: number; readonly close: true };

/** The worker's answer. An error is sent as its fields. */
export type Response =
  | { readonly id: number; readonly result: QueryResult }
  | { readonly id: number; readonly error: Readonly<Record<string, unknown>> & { readonly message: string } };

/**
 * Takes the embedded database in a folder for this process. The first statement starts the
 * database, and makes it if the folder has none (some seconds). So an import that fails before that
 * costs nothing.
 *
 * @throws SluiceError if another process has it, or the folder cannot be written
 */
export function openPglite(folder: string, onCreate?: () => void): Target {
  return new SqlTarget(pgliteDatabase(folder, onCreate), 0);
}

/** The embedded database that {@link openPglite} speaks to. */
export function pgliteDatabase(folder: string, onCreate?: () => void): Database {
  return new PgliteDatabase(folder, onCreate);
}

class PgliteDatabase implements Database {
  readonly name: string;
  readonly connections = 1;
  readonly exclusive = true;
  readonly #lock: Disposable;
  readonly #folder: string;
  readonly #onCreate: (() => void) | undefined;
  readonly #turn = new Mutex();
  readonly #waiting = new Map<number, { resolve: (result: QueryResult) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #lastId = 0;
  #gone: Error | undefined;

  constructor(folder: string, onCreate?: () => void) {
    this.#onCreate = onCreate;
    this.#folder = folder;
    this.name = `the embedded PostgreSQL in ${folder}`;
    this.#lock = lockFolder(folder);
  }

  async start(): Promise<void> {
    await this.withConnection((connection) => connection.query("select 1"));
  }

  /**
   * Does nothing. There is one connection, so a question would wait for the statement that runs,
   * and a running statement shows that the database is there.
   */
  async ping(): Promise<void> {
    if (this.#waiting.size > 0 && this.#lastId > 1) return;
    await this.start();
  }

  async withConnection<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    using _turn = await this.#turn.lock();
    return await use({
      query: (sql, parameters) => this.#ask((id) => ({ id, query: sql, parameters })),
      copy: async (into, data) => (await this.#ask((id) => ({ id, copy: into, data }))).count ?? 0,
    });
  }

  async close(): Promise<void> {
    using _turn = await this.#turn.lock();
    if (this.#worker && !this.#gone) {
      const ended = once(this.#worker, "exit");
      await this.#ask((id) => ({ id, close: true }));
      this.#gone = new Error("it has been closed");
      await ended;
    }
    this.#lock[Symbol.dispose]();
  }

  #ask(request: (id: number) => Request): Promise<QueryResult> {
    if (this.#gone) return Promise.reject(this.#lost(this.#gone));
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject }); // race:ignore: each request has an id of its own
      worker.postMessage(request(id));
    });
  }

  #start(): Worker {
    // Published, this module is a part of another file, in a folder of its own.
    const file = import.meta.url.endsWith(".ts") ? "./pglite-worker.ts" : "../database/pglite-worker.js";
    if (!pgliteExists(this.#folder)) this.#onCreate?.();
    const worker = new Worker(new URL(file, import.meta.url), { workerData: join(this.#folder, DATA) });
    worker.on("message", (response: Response) => this.#settle(response));
    worker.on("error", (error) => this.#lose(new Error(reasonOf(error, this.#folder), { cause: error })));
    worker.on("exit", () => this.#lose(new Error("its thread has ended")));
    return worker;
  }

  #settle(response: Response): void {
    const asked = this.#waiting.get(response.id); // race:ignore: a response comes after its request
    this.#waiting.delete(response.id); // race:ignore: a response comes after its request
    if ("result" in response) asked?.resolve(response.result);
    else if (ABORTED.test(response.error.message))
      this.#lose(new Error(reasonOf(new Error(response.error.message), this.#folder)), asked);
    else asked?.reject(Object.assign(new Error(response.error.message), response.error));
  }

  #lose(error: Error, asked?: { reject(error: Error): void }): void {
    this.#gone ??= error;
    asked?.reject(this.#lost(error));
    for (const { reject } of this.#waiting.values()) reject(this.#lost(error));
    this.#waiting.clear();
  }

  #lost(cause: Error): SluiceError {
    return new SluiceError("embedded_database", `${this.name} cannot be used: ${cause.message}`, { cause });
  }
}

/** The messages of PGlite if it ends by itself. */
const ABORTED = /^Aborted\(|failed to initialize/;
const NO_SPACE = "no space is left on its disk. Make room, or name another folder with --data";
/** Bytes of a file of its log. It may have to make one whenever it starts. */
const LEAST_ROOM = 16 * 1024 * 1024;

function roomIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}

/**
 * The reason of a failure. The file system throws something that is not an Error and has a number
 * only: WASI's, for each kind of failure.
 */
function reasonOf(thrown: unknown, folder: string): string {
  if (thrown instanceof Error) {
    if (!ABORTED.test(thrown.message)) return thrown.message;
    return roomIn(folder) < LEAST_ROOM
      ? NO_SPACE
      : `it has ended without a reason (${thrown.message.split(". ")[0]!}). Is there room on the disk, and may this user write there?`;
  }
  const { errno, code } = (thrown ?? {}) as { errno?: unknown; code?: unknown };
  if (errno === 51) return NO_SPACE;
  if (errno === 69) return "its disk is read-only. Name another folder with --data";
  return `its file system failed (error ${String(code ?? errno ?? thrown)}). Is there room on the disk, and may this user write there?`;
}
