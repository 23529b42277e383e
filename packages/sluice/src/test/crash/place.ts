// A database for one run: a new one on a server, by way of a pooler or not, or a copy of an empty
// embedded one.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { pgliteExists } from "../../database/folder.ts";
import { openTarget } from "../../database/open.ts";
import { copyEmbedded } from "../embedded.ts";
import type { Pooler } from "../pgbouncer.ts";

export interface Place extends AsyncDisposable {
  /** What leads the program here. */
  readonly args: readonly string[];
  /** The server's address; undefined for an embedded database. */
  readonly url: URL | undefined;
  /** What stands between the program and the server. */
  readonly pooler?: Pooler;
  /** Asks the database, while no import has the embedded one. */
  ask<T>(questions: (query: Query) => Promise<T>): Promise<T>;
}

/** Runs a statement; returns its rows. */
export type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

let made = 0;

/** A database of its own on a server, where told with its tables in a folder of their own. */
export async function serverPlace(
  server: string,
  tablespace?: { readonly name: string; readonly folder: string },
): Promise<Place> {
  const name = `sluice_crash_${process.pid}_${++made}`;
  const run = (...statements: string[]): Promise<void> =>
    ask(server, async (query) => {
      for (const statement of statements) await query(statement);
    });
  await run(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (tablespace) {
    await run(
      `create tablespace ${tablespace.name} location '${tablespace.folder}'`,
      `alter database ${name} set default_tablespace = ${tablespace.name}`,
    );
  }
  return {
    args: ["--to", url.href],
    url,
    ask: (questions) => ask(url.href, questions),
    [Symbol.asyncDispose]: async () => {
      await run(`drop database ${name} with (force)`);
      if (tablespace) await run(`drop tablespace ${tablespace.name}`);
    },
  };
}

/** A database on a server, to which the program goes by way of a pooler. */
export async function pooledPlace(server: string, pooler: Pooler): Promise<Place> {
  const place = await serverPlace(server);
  const url = new URL(pooler.dsn(place.url!.href));
  return { ...place, args: ["--to", url.href], url, pooler };
}

/** By a connection of its own: the server may have been stopped since the last one. */
async function ask<T>(url: string, questions: (query: Query) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (text: string) => text } });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await questions(async (text) => (await client.query<(string | null)[]>({ text, rowMode: "array" })).rows);
  } finally {
    await client.end();
  }
}

/**
 * An empty embedded database for `embeddedPlace` to copy. To make one takes seconds, so a test run
 * gives its own.
 */
export async function embeddedTemplate(folder: string): Promise<string> {
  const template = join(folder, "template");
  copyEmbedded(template);
  if (pgliteExists(template)) return template;
  await using target = await openTarget({ folder: template });
  await target.query("select 1");
  return template;
}

export async function embeddedPlace(template: string): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), "sluice-crash-"));
  const folder = join(home, "data");
  await cp(template, folder, { recursive: true });
  return {
    args: ["--data", folder],
    url: undefined,
    ask: async (questions) => {
      await using target = await openTarget({ folder });
      return await questions(async (sql) => (await target.query(sql)).rows);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}
