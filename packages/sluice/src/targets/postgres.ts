// A PostgreSQL server, through a pool of connections.
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterFunc, type Context } from "@sluice/go/context";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { INTERRUPTED, SluiceError, usageError } from "../errors.ts";
import { quoteLiteral } from "../identifiers.ts";
import { LEASE_MS } from "../ledger/ledger.ts";
import { DEFAULT_RECONNECT_MS } from "./patience.ts";
import { SqlTarget } from "./sql.ts";
import type { Claim, Connection, Database, QueryResult, Target, Wait } from "./target.ts";
import { LOOK, lookedFrom } from "./waits.ts";
import { Watch } from "./watch.ts";

/** COPY data is handed over in pieces of this size: large enough to cost little, small enough to keep the socket busy. */
const PIECE = 256 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** A sheet has no time zone: its instants mean UTC whatever the server's setting. The ledger's fence must see what others have committed. */
const SESSION = "set timezone to 'UTC'; set default_transaction_isolation to 'read committed'";
/** A server that has lost us lets go of our rows in half a minute. */
const KEEPALIVE =
  "set tcp_keepalives_idle to 10; set tcp_keepalives_interval to 5; set tcp_keepalives_count to 4; set tcp_user_timeout to 30000";
const END_BACKENDS =
  "select pg_terminate_backend(pid) from pg_stat_activity where pid = any ($1) and application_name like 'sluice %'";
const CANCEL = "select pg_cancel_backend(pid) from unnest($1::integer[]) as pid";
/** PostgreSQL's code of a statement that was cancelled. */
const CANCELED = "57014";
/** When a statement has done nothing for so long, it may be waiting for somebody. */
const LOOK_MS = 3_000;

/** With the backend's number, of which the driver's types do not tell. */
type Client = pg.PoolClient & { readonly processID: number };

export interface PostgresOptions {
  readonly reconnectMs?: number | undefined;
  readonly onWait?: ((waits: readonly Wait[]) => void) | undefined;
  readonly ctx?: Context | undefined;
}

/**
 * Opens a PostgreSQL server; the first statement connects.
 *
 * @param dsn `postgres://user:password@host:port/database`
 * @param connections at most so many at a time
 * @param options as those of `openTarget`
 * @throws SluiceError (`bad_dsn`) where the address is none
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
  readonly #pool: pg.Pool;
  readonly #watch: Watch;
  readonly #unwatch: () => void;
  /** Backends of connections that were lost, until they are ended. */
  readonly #lost = new Set<number>();
  /** Prepared statements have names, the same on every connection. */
  readonly #statements = new Map<string, string>();
  readonly #names = new WeakMap<Client, string>();

  constructor(dsn: string, connections: number, { onWait = () => undefined, ctx }: PostgresOptions) {
    this.name = redact(dsn);
    this.connections = connections;
    this.#config = {
      connectionString: withModesOfLibpq(dsn),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      application_name: "sluice",
      keepAlive: true,
      keepAliveInitialDelayMillis: CONNECT_TIMEOUT_MS,
      // What comes back is text; nobody here wants it parsed.
      types: { getTypeParser: () => (text: string) => text },
    };
    // One more than load: a question about a table, and the lease, never wait for a chunk.
    this.#pool = new pg.Pool({ ...this.#config, max: connections + 1 });
    // A connection that breaks while idle is replaced; one that breaks in use reports through its statement.
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
    const onError = (error: Error): void => void (broken = error);
    client.on("error", onError);
    try {
      const watched = async <R>(statement: Promise<R>): Promise<R> => {
        // While a statement runs, that is: between two of them a connection may rest as long as it likes.
        using _ = this.#watch.over({ pid: client.processID, socket: client.connection.stream as Socket });
        return await statement;
      };
      await watched(this.#bear(client, claim));
      return await use({
        query: (sql, parameters) => watched(this.#query(client, sql, parameters)),
        copy: (into, data) => watched(copy(client, into, data)),
      });
    } catch (error) {
      if (this.#watch.stopping && codeOf(error) === CANCELED)
        throw new SluiceError(INTERRUPTED, "interrupted while it waited for a lock", { exitCode: 130, cause: error });
      if (!isConnectionLoss(error)) throw error;
      broken = error as Error;
      this.#lost.add(client.processID);
      throw new SluiceError("connection_lost", `the connection to ${this.name} was lost: ${(error as Error).message}`, {
        cause: error,
      });
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
   * Prepares a connection: its name is that of the import and epoch that it works for, so that a later epoch can end it. Backends of
   * connections that were lost may still hold rows: they are ended.
   */
  async #bear(client: Client, claim: Claim | undefined): Promise<void> {
    const name = claim ? `sluice ${claim.id} ${claim.epoch}` : "sluice";
    const before = this.#names.get(client);
    if (before !== name && (claim || before === undefined)) {
      const own = `set application_name = ${quoteLiteral(name)}`;
      // A server that does not know all of the settings does with the first ones.
      if (before !== undefined) await client.query(own);
      else await client.query(`${SESSION}; ${KEEPALIVE}; ${own}`).catch(() => client.query(`${SESSION}; ${own}`));
      this.#names.set(client, name);
    }
    if (this.#lost.size === 0) return;
    const lost = [...this.#lost];
    this.#lost.clear();
    await client.query(END_BACKENDS, [lost]).catch(() => undefined);
  }

  /** Asks about backends over a connection of its own, since those of the pool may be dead as well. */
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
    return { columns: last.fields.map((field) => field.name), rows: last.rows, count: last.rowCount ?? undefined };
  }

  #statementName(sql: string): string {
    let name = this.#statements.get(sql);
    if (name === undefined) {
      name = `sluice_${this.#statements.size}`;
      this.#statements.set(sql, name);
    }
    return name;
  }
}

async function copy(client: pg.PoolClient, into: string, data: Buffer): Promise<number> {
  const stream = client.query(copyFrom(`copy ${into} from stdin`));
  await pipeline(Readable.from(pieces(data), { objectMode: false, highWaterMark: PIECE }), stream);
  return stream.rowCount;
}

function* pieces(data: Buffer): Iterable<Buffer> {
  for (let at = 0; at < data.length; at += PIECE) yield data.subarray(at, at + PIECE);
}

/** `sslmode` means what it means to psql: `require` encrypts, and `verify-full` asks who is there. The driver has its own mind. */
function withModesOfLibpq(dsn: string): string {
  const url = new URL(dsn);
  const mode = url.searchParams.get("sslmode");
  if (mode === null || mode === "no-verify" || url.searchParams.has("uselibpqcompat")) return dsn;
  url.searchParams.set("uselibpqcompat", "true");
  return url.href;
}

/** `postgres://user@host:port/database`: what may be shown of a DSN. */
export function redact(dsn: string): string {
  const url = URL.canParse(dsn) ? new URL(dsn) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw usageError(
      "bad_dsn",
      "the database address cannot be read. Expected: postgres://user:password@host:5432/database",
    );
  }
  const host = url.hostname || url.searchParams.get("host") || "localhost";
  return `postgres://${url.username ? `${url.username}@` : ""}${host}:${url.port || url.searchParams.get("port") || "5432"}${url.pathname}`;
}

function codeOf(error: unknown): string {
  const all = error instanceof AggregateError ? [error, ...error.errors] : [error];
  for (const one of all) if (one instanceof Error && "code" in one && typeof one.code === "string") return one.code;
  return "";
}

/** Sentences for what goes wrong before the first statement. No message of a driver is passed on that could hold a password. */
function connectError(error: unknown, name: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const say = (ours: string, text: string): SluiceError => new SluiceError(ours, text, { cause: error });
  switch (code) {
    case "ECONNREFUSED":
      return say(
        "connection_refused",
        `${name}: connection refused. Is PostgreSQL running there, and does it listen on that port?`,
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return say("unknown_host", `${name}: there is no host of that name. Check the address after @.`);
    case "28P01":
    case "28000":
      return say(
        "authentication_failed",
        `${name}: PostgreSQL refused the user or the password: ${message}. Check both in the address.`,
      );
    case "3D000":
      return say(
        "no_such_database",
        `${name}: ${message}. Create it (createdb), or name another behind the last slash.`,
      );
    case "53300":
      return say(
        "too_many_connections",
        `${name}: ${message}. Lower --workers, or raise max_connections on the server.`,
      );
    default:
      if (/password must be a string|no password supplied/i.test(message)) {
        return say(
          "authentication_failed",
          `${name}: the server asks for a password and the address has none. Expected: postgres://user:password@host/database`,
        );
      }
      if (/CERT|UNABLE_TO_VERIFY/.test(code) && !/^[0-9A-Z]{5}$/.test(code)) {
        return say(
          "connection_failed",
          `${name}: the server's certificate is not trusted: ${message.split(";")[0]}. Name the one that signed it with sslrootcert=FILE in the address, or encrypt without asking who is there with sslmode=require.`,
        );
      }
      if (/does not support SSL/i.test(message))
        return say("connection_failed", `${name}: the server offers no encryption. Leave sslmode out of the address.`);
      return say("connection_failed", `${name}: cannot connect: ${message}`);
  }
}

/** The socket closed, or the server said that it is going away. */
function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return (
    /^(57P0[1-5]|08...|ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED)$/.test(
      code,
    ) ||
    /connection terminated|client has encountered a connection error|not queryable|connection ended/i.test(
      error.message,
    )
  );
}
