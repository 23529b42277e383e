// The address of a server, as psql and the driver both understand it.
//
// Each parameter after `?` is either honoured or refused. A parameter that was passed over in
// silence could mean another server, another schema, or no encryption.
import { usageError, type SluiceError } from "../errors.ts";
import { inOneLine } from "../printable.ts";

/** The parameters that an address may have, with their values; without a list, any. */
const PARAMETERS: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ["host", undefined],
  ["port", undefined],
  ["user", undefined],
  ["password", undefined],
  ["sslmode", ["disable", "require", "verify-ca", "verify-full", "no-verify"]],
  // For psql it means require; the driver also asks who is there.
  ["ssl", ["true"]],
  ["sslrootcert", undefined],
  ["sslcert", undefined],
  ["sslkey", undefined],
  ["sslnegotiation", ["postgres", "direct"]],
  ["uselibpqcompat", ["true"]],
  ["channel_binding", ["disable", "prefer", "require"]],
  // A standby is refused in any case.
  ["target_session_attrs", ["any", "read-write", "primary"]],
  ["connect_timeout", undefined],
  ["application_name", undefined],
  ["fallback_application_name", undefined],
  ["options", undefined],
  // The schema of tables that are named without one: Prisma's addresses have it.
  ["schema", undefined],
  ["statement_timeout", undefined],
  ["lock_timeout", undefined],
  ["idle_in_transaction_session_timeout", undefined],
  ["client_encoding", ["utf8", "UTF8", "UTF-8", "auto"]],
]);

const EXPECTED =
  "Expected: postgres://user:password@host:5432/database, with /, ?, # and @ of a password written as %2F, %3F, %23 and %40";

/** What to say instead of a parameter or a value that others understand. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ["service", "Write what the service file says into the address."],
  [
    "sslmode",
    "Whether to encrypt is not left to the server: say require, verify-ca or verify-full (no-verify is require), or disable.",
  ],
  ["hostaddr", "Write the number as the host."],
  ["dbname", "Write the name of the database after the last slash."],
  [
    "pgbouncer",
    "It says that the address leads to a pooler in transaction mode, and an import needs sessions: give the address of the server itself (Prisma's DIRECT_URL).",
  ],
  ["connection_limit", "Leave it out: --workers says how many connections load rows."],
  ["sslaccept", "Leave it out: sslmode=verify-full asks who is there, and sslmode=require does not."],
]);

/**
 * Reads an address.
 *
 * @throws SluiceError (`bad_dsn`) if it cannot be read, or has a parameter that would not be
 *   honoured; also if a password's own `/`, `?`, `#` or `@` would make a part of it something else,
 *   which is shown
 */
export function addressOf(dsn: string): URL {
  const url = URL.canParse(dsn) ? new URL(dsn) : undefined;
  if (
    !url ||
    !/^postgres(ql)?:\/\//i.test(dsn) ||
    /@|^\/.*\//.test(url.pathname) ||
    url.hash ||
    /^\?[^=]*@/.test(url.search)
  )
    throw cannotBeRead(dsn);
  if (/,|%2C/i.test(url.host) || url.searchParams.get("host")?.includes(","))
    throw usageError(
      "bad_dsn",
      "the database address names several hosts, and one is expected: the one that takes rows",
    );
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.has(name) || PARAMETERS.get(name)?.includes(value) === false) throw notUnderstood(name, url);
  }
  return url;
}

/** The error for a text that is not an address. It shows nothing of the text. */
function cannotBeRead(dsn: string): SluiceError {
  const inWords = /^\s*[a-z_]+\s*=/.test(dsn) ? ": it has the form host=… dbname=… or service=…" : "";
  return usageError("bad_dsn", `the database address cannot be read${inWords}. ${EXPECTED}`);
}

/** The error for a parameter. Values are not shown, nor what may be a part of a password. */
function notUnderstood(name: string, { search }: URL): SluiceError {
  const values = PARAMETERS.get(name);
  const shown = values || !search.includes("@") ? ` "${inOneLine(name)}"` : "";
  const instead = INSTEAD.get(name) ?? (values ? "" : "Leave it out.");
  return usageError(
    "bad_dsn",
    `the database address has ${values ? "a value of " : ""}the parameter${shown} that is not understood. ` +
      `Understood: ${(values ?? [...PARAMETERS.keys()]).join(", ")}. ${instead}`.trimEnd(),
  );
}
