// A database that loses its connection where a test says so, and that can count what it is asked.
import { SluiceError } from "../errors.ts";
import type { Connection, Database } from "../target.ts";

/** What is about to be sent: a statement, or `copy …`. */
export type Fault = (statement: string) => "before" | "after" | undefined;

/**
 * Passes everything on to another database. Where `fault` says `before`, the connection is lost
 * before the server has seen the statement; where it says `after`, when the server has done it and
 * its answer is on the way.
 */
export function faulty(database: Database, fault: Fault): Database {
  const send = async <T>(statement: string, run: () => Promise<T>): Promise<T> => {
    const when = fault(statement);
    if (when === "before") throw lost();
    const result = await run();
    if (when === "after") throw lost();
    return result;
  };
  const wrap = (connection: Connection): Connection => ({
    query: (sql, parameters) => send(sql, () => connection.query(sql, parameters)),
    copy: (into, data) => send(`copy ${into}`, () => connection.copy(into, data)),
  });
  return lending(database, async (connection, use) => {
    try {
      return await use(wrap(connection));
    } catch (error) {
      // A lost connection takes its transaction with it.
      await connection.query("rollback");
      throw error;
    }
  });
}

/** Passes everything on to another database, after something else has happened. */
export function heldUp(database: Database, before: (statement: string) => Promise<void>): Database {
  const wrap = (connection: Connection): Connection => ({
    ...connection,
    query: async (sql, parameters) => {
      await before(sql);
      return connection.query(sql, parameters);
    },
  });
  return lending(database, (connection, use) => use(wrap(connection)));
}

/** Passes everything on to another database, and lends its connections in a way of its own. */
export function lending(
  database: Database,
  lend: <T>(connection: Connection, use: (connection: Connection) => Promise<T>) => Promise<T>,
): Database {
  return {
    name: database.name,
    connections: database.connections,
    exclusive: database.exclusive,
    start: () => database.start(),
    ping: () => database.ping(),
    withConnection: (use, claim) => database.withConnection((connection) => lend(connection, use), claim),
    close: () => database.close(),
  };
}

function lost(): SluiceError {
  return new SluiceError("connection_lost", "the connection was lost: a test wants it so");
}
