// A database for a comparison, on the server of DATABASE_URL: made at its start, dropped at its
// end.
import pg from "pg";

export interface BenchDatabase extends AsyncDisposable {
  readonly client: pg.Client;
  /** Its address, for the programs that are measured. */
  readonly to: URL;
  /** The version of the server. */
  readonly version: string;
}

/**
 * Makes a database. Ctrl-C then ends the program that is being measured, and with it the
 * comparison: the database is dropped on the way out.
 *
 * @param kind a part of its name
 */
export async function openDatabase(kind: string): Promise<BenchDatabase> {
  const server = new URL(process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres");
  const name = `sluice_${kind}_${process.pid}`;
  const to = new URL(server);
  to.pathname = `/${name}`;
  process.once("SIGINT", () => {});
  const admin = new pg.Client({ connectionString: server.href });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const client = new pg.Client({ connectionString: to.href });
  const close = async (): Promise<void> => {
    await client.end();
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  };
  try {
    await client.connect();
    await client.query("set client_min_messages = warning");
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    return { client, to, version: rows[0]!.server_version, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
