// A server of a test's own, which it may stop, set up as it likes, and put back to what it was.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import pg from "pg";
import { startServer, type OwnServer } from "../../../../scripts/postgres.ts";
import { newName, type TestDatabase } from "./database.ts";

/**
 * Makes one, or, where this machine cannot, says so and returns undefined; in CI that is an error.
 */
export async function ownServer(...options: string[]): Promise<OwnServer | undefined> {
  try {
    return await startServer(...options);
  } catch (error) {
    if (process.env["CI"]) throw error;
    console.warn(`No PostgreSQL of our own: its tests are skipped. ${String(error)}`);
    return undefined;
  }
}

/**
 * A database on it. Each query has a connection of its own, since the server may have been stopped
 * since the last one.
 */
export async function databaseOn({ url }: Pick<OwnServer, "url">): Promise<TestDatabase> {
  const name = newName("test");
  await ask(url, `create database ${name}`);
  const dsn = new URL(url);
  dsn.pathname = `/${name}`;
  return {
    dsn: dsn.href,
    query: (sql) => ask(dsn.href, sql),
    [Symbol.asyncDispose]: async () => void (await ask(url, `drop database if exists ${name} with (force)`)),
  };
}

async function ask(url: string, text: string): Promise<(string | null)[][]> {
  const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => (value: string) => value } });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<(string | null)[]>({ text, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

/**
 * Crashes the server and keeps a copy of what it then has on its disk.
 * @returns a crash that puts that copy back
 */
export function keepState(server: OwnServer): () => void {
  const [data, copy] = [join(server.home, "data"), join(server.home, newName("copy"))];
  server.stop();
  execFileSync("cp", ["-a", data, copy]);
  server.start();
  return () => {
    server.stop();
    execFileSync("rm", ["-rf", data]);
    execFileSync("cp", ["-a", copy, data]);
    server.start();
  };
}
