// Makes sure, before anything is written, that a database takes rows at all; and says what it does
// not promise of them.
import { SluiceError } from "../errors.ts";
import { quoteIdentifier } from "../schema/identifiers.ts";
import { STANDBY } from "./patience.ts";
import type { Target } from "../target.ts";

/** The code of a user who may only read. */
const READ_ONLY = "read_only";

/**
 * The source of a setting, as SQL, if it has a value; NULL if it has another one. Only then the
 * server makes its list of all settings, which takes longer than all else that is asked here.
 */
function sourceIf(name: string, value: string): string {
  return `case when current_setting('${name}') = '${value}' then (select s.source from pg_settings s where s.name = '${name}') end`;
}

const STATE = `select pg_is_in_recovery()::text, current_setting('default_transaction_read_only'),
    ${sourceIf("default_transaction_read_only", "on")}, current_user::text, current_database()::text,
    current_setting('fsync'), current_setting('full_page_writes'), ${sourceIf("session_replication_role", "replica")}`;

/** The statement that takes a setting back, by its source in `pg_settings`. */
function reset(name: string, source: string, user: string, database: string): string {
  const [role, here] = [quoteIdentifier(user), quoteIdentifier(database)];
  const taken = `reset ${name}`;
  if (source === "user") return `alter role ${role} ${taken}`;
  if (source === "database") return `alter database ${here} ${taken}`;
  if (source === "database user") return `alter role ${role} in database ${here} ${taken}`;
  if (source === "client") return "it stands in the address, below options";
  return "it stands in the configuration of the server";
}

/**
 * Refuses a database that takes no rows.
 *
 * @returns what it does not promise, for people
 * @throws SluiceError (`standby`, `read_only`)
 */
export async function expectWritable(target: Target): Promise<string[]> {
  // The embedded database has no other users; docs/reliability.md says what it promises after a
  // crash.
  if (target.exclusive) return [];
  const { rows } = await target.query(STATE);
  const [standby, readOnly, source, user, database, fsync, pages, replica] = rows[0] as string[];
  if (standby === "true") {
    throw isStandby(target.name);
  }
  if (readOnly === "on") {
    throw new SluiceError(
      READ_ONLY,
      `transactions of the user ${user} in ${target.name} can only read, since default_transaction_read_only is on. ` +
        `Take that back (${reset("default_transaction_read_only", source!, user!, database!)}), or use another user.`,
    );
  }
  const notes: string[] = [];
  const off = [...(fsync === "off" ? ["fsync"] : []), ...(pages === "off" ? ["full_page_writes"] : [])];
  if (off.length > 0)
    notes.push(
      `the server runs with ${off.join(" and ")} off: if its machine crashes, it may lose or damage what it has committed, this import too`,
    );
  if (replica)
    notes.push(
      `session_replication_role is replica here, so foreign keys are not checked and triggers do not fire for these rows; ` +
        `to have that again: ${reset("session_replication_role", replica, user!, database!)}`,
    );
  return notes;
}

/** @param database its name for people */
export function isStandby(database: string): SluiceError {
  return new SluiceError(
    STANDBY,
    `${database} is a standby: it repeats what the primary does, and takes no rows itself. Give the address of the primary.`,
  );
}
