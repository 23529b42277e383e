// A PostgreSQL server, through a pool of connections.
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterFunc, type Context } from "@sluice/go/context";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { INTERRUPTED, SluiceError } from "../errors.ts";
import { quoteIdentifier, quoteLiteral } from "../schema/identifiers.ts";
import { hashText } from "../hash.ts";
import { addressOf } from "./address.ts";
import { LEASE_MS } from "../ledger/ledger.ts";
import { codeOf, connectError, isConnectionLoss, lossError } from "./connection-fault.ts";
import { DEFAULT_RECONNECT_MS, STANDBY } from "./patience.ts";
import { BACKEND, expectSessions, keepsNoSession } from "./pooler.ts";
import { isRaised } from "./row-fault.ts";
import { SqlTarget } from "./sql.ts";
import {
  type Claim,
  type Connection,
  type Database,
  type QueryResult,
  type Target,
  type Wait,
  isDatabaseError,
} from "../target.ts";
import { LOOK, lookedFrom } from "./waits.ts";
import { Watch } from "./watch.ts";

/**
 * COPY data is handed over in pieces of this size: large enough to cost little, small enough to
 * keep the socket busy.
 */
const PIECE = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * Settings of a role, a database or a server must not change what a value means: a sheet's instants
 * are UTC, and intervals and arrays are read as by default. The ledger's fence must see what others
 * have committed.
 */
const SESSION = `set timezone to 'UTC'; set default_transaction_isolation to 'read committed'; set intervalstyle to 'postgres'; set array_nulls to on`;
/**
 * The settings for commits that must outlive a crash of the server. Settings that wait for less or
 * more of its standbys stay.
 */
const DURABLE =
  "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'";
/** A server that has lost us lets go of our rows in half a minute. */
const KEEPALIVE =
  "set tcp_keepalives_idle to 10; set tcp_keepalives_interval to 5; set tcp_keepalives_count to 4; set tcp_user_timeout to 30000";
/**
 * A server that was restarted gives the numbers of its backends again, so the time when one began
 * counts as well.
 */
const WHICH =
  "select pid::text, backend_start::text, pg_is_in_recovery()::text from pg_stat_activity where pid = pg_backend_pid()";
const END_BACKENDS = `select pg_terminate_backend(a.pid) from pg_stat_activity a
  join unnest($1::integer[], $2::timestamptz[]) as lost (pid, since) on lost.pid = a.pid and lost.since = a.backend_start`;
const CANCEL = "select pg_cancel_backend(pid) from unnest($1::integer[]) as pid";
/** The name of connections that work for no import. */
const NAMELESS = "sluice";
/** PostgreSQL's code of a statement that was cancelled. */
const CANCELED = "57014";
/** PostgreSQL's codes of a prepared statement that is not there, or is there already. */
const OTHER_SESSION = /^(?:26000|42P05)$/;
/**
 * A mark of this process. Without it, names of prepared statements meet those of another process if
 * a pooler hands sessions about.
 */
const MARK = randomBytes(8).toString("hex");
/** A statement that has done nothing for this time may be waiting for a lock. */
const LOOK_MS = 3_000;

/**
 * A client with the number of the backend that the server or pooler has given; the driver's types
 * lack it.
 */
type Client = pg.PoolClient & { readonly processID: number };

/** The facts about a connection that has been prepared. */
interface Prepared {
  /** Connections are numbered as they are made. */
  readonly born: number;
  /** The backend's number on the server, and since when it runs, as text. */
  readonly pid: number;
  readonly since: string;
  /** The name that it has there. */
  name: string;
}

export interface PostgresOptions {
  readonly reconnectMs?: number | undefined;
  readonly onWait?: ((waits: readonly Wait[]) => void) | undefined;
  readonly ctx?: Context | undefined;
}

/**
 * Opens a PostgreSQL server; the first statement connects.
 *
 * @param dsn `postgres://user:password@host:port/database`
 * @param connections the most connections at a time
 * @param options as those of `openTarget`
 * @throws SluiceError (`bad_dsn`) if the address cannot be read
 */
export function openPostgres(dsn: string, connections: number, options: PostgresOptions = {}): Target {
  return new SqlTarget(postgresDatabase(dsn, connections, options), options.reconnectMs ?? DEFAULT_RECONNECT_MS);
}

/** The server that {@link openPostgres} speaks to. */
export function postgresDatabase(dsn: string, connections: number, options: PostgresOptions = {}): Database {
  return new PostgresDatabase(dsn, connections, options);
}

class PostgresDatabase implements Database {
  readonly name: string;
  readonly connections: number;
  readonly exclusive = false;
  readonly #config: pg.ClientConfig;
  /** The settings of each session. */
  readonly #session: readonly string[];
  readonly #pool: pg.Pool;
  readonly #watch: Watch;
  readonly #unwatch: () => void;
  /** Backends of connections that were lost, and since when they ran, until they are ended. */
  readonly #lost = new Map<number, string>();
  /** Prepared statements have names, the same on every connection. */
  readonly #statements = new Map<string, string>();
  readonly #prepared = new WeakMap<Client, Prepared>();
  #made = 0;
  /** Every connection keeps one session of the server. */
  #keepsSessions = false;

  constructor(dsn: string, connections: number, { onWait = () => undefined, ctx }: PostgresOptions) {
    this.name = redact(dsn);
    this.connections = connections;
    this.#config = {
      ...connectionConfig(dsn, NAMELESS),
      // What comes back is text; nobody here wants it parsed.
      types: { getTypeParser: () => (text: string) => text },
    };
    const schema = addressOf(dsn).searchParams.get("schema");
    this.#session = [SESSION, ...(schema === null ? [] : [`set search_path to ${quoteIdentifier(schema)}`]), DURABLE];
    // One more than load: a question about a table, and the lease, never wait for a chunk.
    this.#pool = new pg.Pool({ ...this.#config, max: connections + 1 });
    // A connection that breaks while idle is replaced; one that breaks in use reports through its
    // statement.
    this.#pool.on("error", () => undefined);
    this.#watch = new Watch({
      lookMs: Math.min(LOOK_MS, LEASE_MS / 3),
      deadMs: LEASE_MS / 3,
      look: async (pids) => lookedFrom(await this.#ask(LOOK, pids)),
      cancel: (pids) => this.#ask(CANCEL, pids),
      onWait,
    });
    const stop = ctx && afterFunc(ctx, () => this.#watch.stop());
    this.#unwatch = () => void stop?.();
  }

  /** A server runs by itself. */
  async start(): Promise<void> {}

  async ping(): Promise<void> {
    await this.withConnection((connection) => connection.query("select 1"));
  }

  async withConnection<T>(use: (connection: Connection) => Promise<T>, claim?: Claim): Promise<T> {
    let client: Client;
    try {
      client = (await this.#pool.connect()) as Client;
    } catch (error) {
      throw connectError(error, this.name);
    }
    let broken: Error | undefined;
    const onError = (error: Error): void => void (broken = error); // race:ignore: what is known by then is told
    client.on("error", onError);
    const watched = async <R>(statement: Promise<R>): Promise<R> => {
      // While a statement runs, that is: between two of them a connection may rest as long as it
      // likes.
      const pid = this.#prepared.get(client)?.pid ?? client.processID;
      using _ = this.#watch.over({ pid, socket: client.connection.stream as Socket });
      return await statement;
    };
    try {
      const { born } = await watched(this.#prepare(client, claim));
      return await use({
        born,
        query: (sql, parameters) => watched(this.#query(client, sql, parameters)),
        copy: (into, data) => watched(copy(client, into, data)),
      });
    } catch (error) {
      if (this.#watch.stopping && codeOf(error) === CANCELED)
        throw new SluiceError(INTERRUPTED, "interrupted while it waited for a lock", { exitCode: 130, cause: error });
      // Triggers can raise any code.
      if (OTHER_SESSION.test(codeOf(error)) && !(isDatabaseError(error) && isRaised(error)))
        throw keepsNoSession(this.name);
      if (!isConnectionLoss(error)) {
        // What could not be prepared is not lent again.
        if (!this.#prepared.has(client)) broken ??= error as Error;
        throw error;
      }
      // Only a connection that was lost does not answer any more.
      if (isDatabaseError(error) && (await answers(watched(client.query("rollback"))))) throw error;
      const lost = this.#prepared.get(client);
      if (lost) this.#lost.set(lost.pid, lost.since); // race:ignore: see where it is emptied
      // The server's last words, if it had any, say more than that nothing can be sent any more.
      const last = isDatabaseError(error) ? error : (broken ?? (error as Error));
      broken ??= last;
      throw lossError(last, this.name);
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.#pool.end();
  }

  /**
   * Prepares a connection: its name is that of the import and epoch that it works for, so that a
   * later epoch can end it. Backends of connections that were lost may still hold rows: they are
   * ended.
   *
   * @throws SluiceError (`pooler`) if it does not keep a session, (`standby`) if it leads to a
   *   standby in the middle of an import
   */
  async #prepare(client: Client, claim: Claim | undefined): Promise<Prepared> {
    const name = claim ? `${NAMELESS} ${claim.id} ${claim.epoch}` : NAMELESS;
    let prepared = this.#prepared.get(client);
    if (!prepared) {
      await this.#expectSession(client);
      prepared = { ...(await this.#begin(client, name, claim)), born: ++this.#made, name };
      this.#prepared.set(client, prepared);
    } else if (claim && prepared.name !== name) {
      await client.query(`set application_name = ${quoteLiteral(name)}`);
      prepared.name = name; // race:ignore: a connection belongs to its borrower
    }
    // To look, to copy and to empty is one step, so no backend that was added meanwhile is
    // forgotten.
    const lost = [[...this.#lost.keys()], [...this.#lost.values()]]; // race:ignore: one step
    this.#lost.clear(); // race:ignore: one step
    if (lost[0]!.length > 0) {
      await client.query(END_BACKENDS, lost).catch(() => undefined);
    }
    return prepared;
  }

  /**
   * Asks once whether connections keep their sessions, before anything is set in one that others
   * may get.
   */
  async #expectSession(client: Client): Promise<void> {
    if (this.#keepsSessions) return;
    const { rows } = await client.query<[string]>({ text: BACKEND, rowMode: "array" });
    if (Number(rows[0]![0]) !== client.processID) await expectSessions(this.#config, this.name, CONNECT_TIMEOUT_MS);
    this.#keepsSessions = true;
  }

  /** Sets a new session up; says which it is. */
  async #begin(client: Client, name: string, claim?: Claim): Promise<Pick<Prepared, "pid" | "since">> {
    const own = `set application_name = ${quoteLiteral(name)}`;
    const run = (...sql: string[]): Promise<QueryResult> => this.#query(client, sql.join("; "));
    // If the server does not know all of the settings, they are sent again without KEEPALIVE.
    const { rows } = await run(...this.#session, KEEPALIVE, own, WHICH).catch(() => run(...this.#session, own, WHICH));
    const [pid, since, standby] = rows[0]!;
    // The server may have changed its part with another one, and the address may take a moment to
    // follow.
    if (claim && standby === "true") {
      throw new SluiceError(
        STANDBY,
        `${this.name} has become a standby, which takes no rows. Go on when it, or the address, leads to the primary again.`,
      );
    }
    return { pid: Number(pid), since: since! };
  }

  /** Asks about backends over a new connection, since those of the pool may be dead as well. */
  async #ask(sql: string, pids: readonly number[]): Promise<(string | null)[][]> {
    const client = new pg.Client({ ...this.#config, query_timeout: CONNECT_TIMEOUT_MS });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query<(string | null)[]>({ text: sql, values: [pids], rowMode: "array" })).rows;
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  async #query(client: pg.PoolClient, sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult> {
    const result = await client.query<(string | null)[]>({
      text: sql,
      rowMode: "array",
      ...(parameters ? { values: [...parameters], name: this.#statementName(sql) } : {}),
    });
    // Several statements in one string give several results; the last one counts, as in psql.
    const last = Array.isArray(result) ? (result.at(-1) as pg.QueryArrayResult<(string | null)[]>) : result;
    return {
      columns: last.fields.map((field) => field.name),
      types: last.fields.map((field) => field.dataTypeID),
      rows: last.rows,
      count: last.rowCount ?? undefined,
    };
  }

  #statementName(sql: string): string {
    let name = this.#statements.get(sql);
    if (name === undefined) {
      name = `sluice_${MARK}_${hashText(sql).slice(0, 16)}`;
      this.#statements.set(sql, name);
    }
    return name;
  }
}

/** Reports whether a connection still answers, be it with an error. */
async function answers(question: Promise<unknown>): Promise<boolean> {
  const failure = await question.then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure === undefined || !isConnectionLoss(failure);
}

async function copy(client: pg.PoolClient, into: string, data: Buffer): Promise<number> {
  const stream = client.query(copyFrom(`copy ${into} from stdin`));
  await pipeline(Readable.from(pieces(data), { objectMode: false, highWaterMark: PIECE }), stream);
  return stream.rowCount;
}

function* pieces(data: Buffer): Iterable<Buffer> {
  for (let at = 0; at < data.length; at += PIECE) yield data.subarray(at, at + PIECE);
}

/** The way to a server, for the driver. @param name the connection's name there */
export function connectionConfig(dsn: string, name: string): pg.ClientConfig {
  const url = addressOf(dsn);
  const seconds = Number(url.searchParams.get("connect_timeout"));
  const binding = url.searchParams.get("channel_binding") ?? "disable";
  return {
    connectionString: withModesOfLibpq(dsn, url),
    connectionTimeoutMillis: seconds > 0 ? seconds * 1000 : CONNECT_TIMEOUT_MS,
    application_name: name,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_TIMEOUT_MS,
    // Then the driver uses it if the server offers it.
    enableChannelBinding: binding !== "disable",
  };
}

/**
 * `sslmode` means what it means to psql: `require` encrypts, and `verify-full` asks who is there.
 * The driver has its own mind.
 */
function withModesOfLibpq(dsn: string, url: URL): string {
  const mode = url.searchParams.get("sslmode");
  if (mode === null || mode === "no-verify" || url.searchParams.has("uselibpqcompat")) return dsn;
  url.searchParams.set("uselibpqcompat", "true");
  return url.href;
}

/**
 * `postgres://user@host:port/database`: what may be shown of a DSN.
 *
 * @throws SluiceError (`bad_dsn`), see {@link addressOf}
 */
export function redact(dsn: string): string {
  const url = addressOf(dsn);
  const host = url.hostname || url.searchParams.get("host") || "localhost";
  return `postgres://${url.username ? `${url.username}@` : ""}${host}:${url.port || url.searchParams.get("port") || "5432"}${url.pathname}`;
}
