// Poolers between this program and the server, such as pgbouncer: whether each connection keeps one
// session of the server.
//
// An import needs that: its settings, prepared statements and temporary tables are a session's, and
// its name tells others who is at work. In session mode a pooler keeps the session. In transaction
// and statement mode it gives each transaction another one, and other programs meet what one
// program sets or prepares.
//
// A server tells a client the number of its backend. A pooler tells a different number, because its
// client has no backend yet. So if that number differs from `pg_backend_pid()`, two connections are
// asked for their backends in turn. In session mode each one always has its own. In other modes the
// pooler picks a backend each time: the one that was used last, so that both connections name the
// same one, or the next one, so that one connection names several.
//
// Rejected: to set something and look for it. In a quiet pool it is found again by chance, and it
// stays in the session for other programs.
import type { ClientConfig } from "pg";
import { SluiceError } from "../errors.ts";

/** The code of a pooler that keeps no session. */
export const POOLER = "pooler";
/** The code of a session that is not set up any more as this program has set it up. */
export const SESSION_CHANGED = "session_changed";

export const BACKEND = "select pg_backend_pid()::text";

/**
 * The connections that are asked, in turn: both twice in a row, and one between two questions of
 * the other.
 */
const TURNS = [0, 0, 1, 0, 1, 1, 0] as const;

/**
 * Makes sure that a pooler keeps sessions.
 * @throws SluiceError (`pooler`) if it does not, or has no two to give
 */
export async function expectSessions(config: ClientConfig, name: string, timeoutMs: number): Promise<void> {
  // The embedded database needs this file's errors, and no client.
  const { Client } = (await import("pg")).default;
  const clients = [0, 1].map(() => new Client({ ...config, query_timeout: timeoutMs }));
  for (const client of clients) client.on("error", () => undefined);
  const backends: [Set<string>, Set<string>] = [new Set(), new Set()];
  try {
    for (const client of clients) await client.connect();
    for (const who of TURNS) {
      const { rows } = await clients[who]!.query<[string]>({ text: BACKEND, rowMode: "array" });
      backends[who].add(rows[0]![0]);
    }
  } catch (error) {
    if (!/timeout/i.test((error as Error).message)) throw error;
    throw new SluiceError(
      POOLER,
      `the pooler ${name} gave no connection to the server within ${timeoutMs / 1000} seconds. An import needs three more than its --workers: raise default_pool_size, or connect to the server itself.`,
      { cause: error },
    );
  } finally {
    for (const client of clients) void client.end().catch(() => undefined);
  }
  const [first, second] = backends;
  if (first.size > 1 || second.size > 1 || first.isSubsetOf(second)) throw keepsNoSession(name);
}

/** The error for a pooler that keeps no session, and how else to get to the server. */
export function keepsNoSession(name: string): SluiceError {
  return new SluiceError(
    POOLER,
    `${name} is a pooler that keeps no session (its pool mode is "transaction" or "statement"), and an import needs sessions. ` +
      `Connect to the server itself, or to the pooler in session mode (Supabase: port 5432, not 6543; Neon: the host without "-pooler").`,
  );
}

/**
 * The error for a commit that the ledger refused since the session would read texts in another way.
 */
export function sessionChanged(name: string): SluiceError {
  return new SluiceError(
    SESSION_CHANGED,
    `the time zone of a session with ${name} is not UTC any more (or its client_encoding, IntervalStyle or array_nulls is another one), so texts would be other points in time (or other values), and nothing of the chunk was kept. ` +
      `Either a trigger, a default or a function of the table sets it (set timezone, set_config): let it use "at time zone" instead, or give the function alone the setting (alter function … set …). ` +
      `Or a pooler stands between that keeps no session: connect to the server itself, or to the pooler in session mode.`,
  );
}
