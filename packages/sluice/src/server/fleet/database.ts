// The PostgreSQL in which a fleet meets: pg-boss's queue, the fleet's own tables, and
// notifications, all in the schema `sluice_fleet`.
//
// Connections, transactions and LISTEN are pg-boss's, which makes them anew after they were lost.
import pg from "pg";
import { PgBoss, type Db } from "pg-boss";
import { SluiceError } from "../../errors.ts";
import { connectionConfig, redact } from "../../database/postgres.ts";
import { isStandby } from "../../database/writable.ts";
import { codeOf, connectError, isConnectionLoss, lossError } from "../../database/connection-fault.ts";
import { FLEET_DDL, FLEET_SCHEMA, QUEUE, QUEUE_OPTIONS } from "./schema.ts";

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** Runs statements: each by itself, or all in one transaction. */
export interface Statements {
  query<Found extends Row = Row>(sql: string, values?: readonly unknown[]): Promise<readonly Found[]>;
  /** The transaction as pg-boss takes it, for calls that belong to it. */
  readonly db: Db;
}

export interface FleetDatabaseOptions {
  readonly dsn: string;
  /** The most connections, besides one that listens. */
  readonly connections: number;
  /** The role of this process in the fleet. */
  readonly role: "server" | "worker";
  /** Called with what goes wrong in the background. The text names the database. */
  readonly log: (line: string) => void;
}

/** PostgreSQL's channel for what happens in a fleet. */
const CHANNEL = "sluice_fleet";
/** How often pg-boss looks for workers that have fallen silent. */
const MONITOR_SECONDS = 5;
/** A process that has not been heard of for so long counts as gone. */
const GONE_SECONDS = 20;

export class FleetDatabase implements Statements, AsyncDisposable {
  /** The database, without a password. */
  readonly name: string;
  readonly boss: PgBoss;
  readonly #dsn: string;
  #listening: { close(): Promise<void> } | undefined;

  constructor({ dsn, connections, role, log }: FleetDatabaseOptions) {
    this.name = redact(dsn);
    this.#dsn = dsn;
    this.boss = new PgBoss({
      ...(connectionConfig(dsn, "sluice fleet") as { connectionString: string }),
      schema: FLEET_SCHEMA,
      max: connections,
      schedule: false,
      superviseIntervalSeconds: MONITOR_SECONDS,
      monitorIntervalSeconds: MONITOR_SECONDS,
      instanceName: role,
      instanceHeartbeatSeconds: MONITOR_SECONDS,
    });
    this.boss.on("error", (error) => log(`the fleet's database: ${this.#failure(error).message}`));
  }

  /**
   * Makes or updates what a fleet keeps.
   *
   * @throws SluiceError (`no_fleet`) if this user may not, (`standby`), or one of those of a
   *   connection
   */
  async start(): Promise<void> {
    try {
      await this.#expectPrimary();
      await this.boss.start();
      await this.boss.createQueue(QUEUE, QUEUE_OPTIONS);
      await this.transaction(async (tx) => {
        // Processes that start together do not make the same things at the same time.
        await tx.query("select pg_advisory_xact_lock(hashtextextended('sluice fleet schema', 0))");
        for (const statement of FLEET_DDL) await tx.query(statement);
      });
    } catch (error) {
      if (codeOf(error) !== "42501") throw this.#failure(error);
      throw new SluiceError(
        "no_fleet",
        `this user may not make what a fleet keeps in ${this.name} (schema ${FLEET_SCHEMA}): ${(error as Error).message}. Start one server as a user who may (grant create on database), then grant usage on the schema and all on its tables to this one.`,
        { cause: error },
      );
    }
  }

  /** pg-boss would say of a standby only that it cannot write there. */
  async #expectPrimary(): Promise<void> {
    const client = new pg.Client(connectionConfig(this.#dsn, "sluice fleet"));
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>("select pg_is_in_recovery() as standby");
      if (rows[0]!.standby) throw isStandby(this.name);
    } finally {
      await client.end();
    }
  }

  get db(): Db {
    return this.boss.getDb();
  }

  async query<Found extends Row = Row>(sql: string, values: readonly unknown[] = []): Promise<readonly Found[]> {
    try {
      return await run<Found>(this.db, sql, values);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Runs statements in one transaction, and undoes all of them if `use` throws. */
  async transaction<T>(use: (tx: Statements) => Promise<T>): Promise<T> {
    try {
      const tx = await this.db.beginTransaction!();
      try {
        const found = await use({ db: tx.db, query: (sql, values = []) => run(tx.db, sql, values) });
        await tx.commit();
        return found;
      } catch (error) {
        await tx.rollback();
        throw error;
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Listens to what happens in the fleet. Notices may be lost, so whoever listens looks by itself
   * now and then; `onGap` says that some may have been.
   */
  async listen(onNotice: (notice: Notice) => void, onGap: () => void): Promise<void> {
    try {
      this.#listening = await this.db.listen!(CHANNEL, (text) => onNotice(parseNotice(text)), onGap);
    } catch {
      // A pooler may not pass LISTEN on: what is asked now and then does as well, later.
    }
  }

  /** How many processes of each kind the fleet has now, this one among them. */
  async processes(): Promise<Readonly<Record<FleetDatabaseOptions["role"], number>>> {
    const all = (await this.boss.getInstances()).filter(({ stoppedOn }) => !stoppedOn);
    // By the database's clock: the newest heartbeat may be this process's own.
    const newest = Math.max(0, ...all.map(({ heartbeatOn }) => heartbeatOn.getTime()));
    const alive = all.filter(({ heartbeatOn }) => heartbeatOn.getTime() > newest - GONE_SECONDS * 1000);
    const count = (role: string): number => alive.filter(({ name }) => name === role).length;
    return { server: count("server"), worker: count("worker") };
  }

  /** A failure of PostgreSQL or of the way there, in our words if it is the way. */
  #failure(error: unknown): Error {
    if (error instanceof SluiceError) return error;
    if (isConnectionLoss(error)) return lossError(error as Error, this.name);
    const code = codeOf(error);
    const isWay = /^E[A-Z]+$|^(?:28...|3D000|53300)$/.test(code) || /timeout exceeded when trying/i.test(String(error));
    return isWay ? connectError(error, this.name) : (error as Error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening?.close();
    await this.boss.stop({ graceful: false });
  }
}

async function run<Found extends Row>(db: Db, sql: string, values: readonly unknown[]): Promise<readonly Found[]> {
  return (await db.executeSql(sql, [...values])).rows as Found[];
}

/**
 * An event in a fleet: there is work, an import was heard of, it is over, or it is to be cancelled.
 */
export interface Notice {
  readonly what: "queued" | "progress" | "ended" | "cancel" | undefined;
  /** The import. */
  readonly id: string;
}

/** SQL that tells the fleet of something. @param id an SQL expression: the import's id */
export function noticeSql(what: NonNullable<Notice["what"]>, id: string): string {
  return `pg_notify('${CHANNEL}', '${what} ' || ${id})`;
}

function parseNotice(text: string): Notice {
  const [what, id = ""] = text.split(" ");
  const known = (["queued", "progress", "ended", "cancel"] as const).find((one) => one === what);
  return { what: known, id };
}
