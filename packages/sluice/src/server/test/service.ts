// A service for tests: the real one, listening on a port of its own, over a real database of its
// own.
import { readdir, readFile, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { openTarget } from "../../database/open.ts";
import type { Target } from "../../target.ts";
import { newDatabaseWithLedger, newFolder, type TestDatabase } from "../../test/database.ts";
import { writeWorkbook, type TestCell } from "../../test/workbook.ts";
import { createServer, type ServerOptions } from "../app.ts";

export const HEADER: readonly string[] = [
  "Name",
  "Category",
  "Phone",
  "Email",
  "Address",
  "City",
  "Country",
  "Website",
  "Description",
];

/** A row of the business directory that fits. */
export function business(n: number): string[] {
  return [`Business ${n}`, "Café", "085232", `b${n}@example.com`, "1 Road", "Oslo", "Norway", "https://x.example", "–"];
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly app: FastifyInstance;
  readonly database: TestDatabase;
  readonly target: Target;
  /** What the service has logged. */
  readonly lines: readonly string[];
  /** Where the service makes its own folders. */
  readonly uploadDir: string;
  /** A folder for the test's files. */
  readonly folder: string;
  /** Files in the upload folder, by name. */
  uploads(): Promise<string[]>;
  /** The modes of what is in the upload folder, folders first. */
  uploadModes(): Promise<string[]>;
  /** Sends a file as a browser does. */
  send(file: Blob, name: string, query?: string, init?: RequestInit): Promise<Answer>;
  /** A workbook of the business directory with these rows below its header. */
  workbook(rows: readonly (readonly TestCell[])[], header?: readonly string[]): Promise<Blob>;
  get(path: string, init?: RequestInit): Promise<Answer>;
}

/**
 * Starts a service over a database that has a ledger; `dsn` where its database is not to be the
 * test's own.
 */
export async function startService(options: Partial<ServerOptions> & { readonly dsn?: string } = {}): Promise<Service> {
  const database = await newDatabaseWithLedger();
  const files = newFolder();
  const uploads = newFolder();
  const target = options.target ?? (await openTarget({ to: options.dsn ?? database.dsn, connections: 2 }));
  const lines: string[] = [];
  const { dsn: _, ...rest } = options;
  const app = await createServer({ uploadDir: uploads.path, log: (line) => lines.push(line), ...rest, target });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  let made = 0;
  const get = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(url + path, init);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return {
    url,
    port,
    app,
    database,
    target,
    lines,
    uploadDir: uploads.path,
    folder: files.path,
    get,
    uploads: async () => {
      const found = await readdir(uploads.path, { recursive: true, withFileTypes: true });
      return found.filter((entry) => entry.isFile()).map((entry) => entry.name);
    },
    uploadModes: async () => {
      const names = await readdir(uploads.path, { recursive: true });
      const found = await Promise.all(names.sort().map((name) => stat(`${uploads.path}/${name}`)));
      return found.map(({ mode }) => (mode & 0o777).toString(8));
    },
    send: (file, name, query = "", init = {}) => {
      const body = new FormData();
      body.append("file", file, name);
      return get(`/upload${query}`, { method: "POST", body, ...init });
    },
    workbook: async (rows, header = HEADER) => {
      const path = await writeWorkbook(`${files.path}/${++made}.xlsx`, { Sheet1: [header, ...rows] });
      return new Blob([await readFile(path)]);
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
      if (!options.target) await target[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
      await uploads[Symbol.asyncDispose]();
    },
  };
}

/** How many sessions of the database wait for a lock: imports that a test holds up. */
export async function waitingForLock(database: TestDatabase): Promise<number> {
  // In a transaction, PostgreSQL shows the sessions that were there at the first look.
  await database.query("select pg_stat_clear_snapshot()");
  const rows = await database.query(
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return Number(rows[0]?.[0]);
}
