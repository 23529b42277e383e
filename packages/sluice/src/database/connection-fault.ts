// Faults of connections: a test that one was lost, and sentences for the reasons why one cannot be
// made.
//
// The codes of PostgreSQL that are told apart here (its manual, appendix A):
//
//   28P01, 28000   the user or the password is refused
//   3D000          there is no such database
//   08P01          a pooler refuses a parameter of the address
//   53300          too many connections
//   57P01 to 57P05, 25P03, 25P04, class 08: the session was ended from outside
import { SluiceError, type ErrorCode } from "../errors.ts";

/** Settings by which a server ends sessions, by the code of the message that it ends them with. */
const LIMITS: Readonly<Record<string, string>> = {
  "25P03": "idle_in_transaction_session_timeout",
  "25P04": "transaction_timeout",
  "57P05": "idle_session_timeout",
};

/**
 * The code of an error, of PostgreSQL or of the system; "" if it has none. If several addresses
 * were tried, it is the first code among their errors.
 */
export function codeOf(error: unknown): string {
  const all = error instanceof AggregateError ? [error, ...error.errors] : [error];
  for (const one of all) if (one instanceof Error && "code" in one && typeof one.code === "string") return one.code;
  return "";
}

/**
 * Sentences for what goes wrong before the first statement. No message of a driver is passed on
 * that could hold a password.
 */
export function connectError(error: unknown, name: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = codeOf(error);
  // Of several addresses that were tried, the first one has a reason, and all together have none.
  const first: unknown = error instanceof AggregateError && error.message === "" ? error.errors[0] : error;
  const message = first instanceof Error ? first.message : String(first);
  const say = (ours: ErrorCode, text: string): SluiceError => new SluiceError(ours, text, { cause: error });
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
        `${name}: ${message}. Create it (createdb), or name another after the last slash.`,
      );
    case "08P01": {
      const parameter = /unsupported startup parameter:? "?(\w+)/.exec(message)?.[1];
      if (parameter === undefined) return say("connection_failed", `${name}: cannot connect: ${message}`);
      return say(
        "connection_failed",
        `${name} is a pooler, and it refuses the parameter "${parameter}" of the address. Leave it out, or add it to ignore_startup_parameters of the pooler.`,
      );
    }
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

/**
 * The socket closed, or the server said that it is going away; or a statement raised an error that
 * reads like that.
 */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return (
    /^(57P0[1-5]|25P0[34]|08...|ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED)$/.test(
      code,
    ) ||
    /connection terminated|client has encountered a connection error|not queryable|connection ended/i.test(
      error.message,
    )
  );
}

/** The error for a connection that was lost; it names a limit of the server's that ended it. */
export function lossError(loss: Error, name: string): SluiceError {
  const limit = LIMITS[codeOf(loss)];
  const advice =
    limit === undefined
      ? ""
      : `. The server ends sessions at its setting ${limit}: raise it for this user (alter role … set ${limit} = …).`;
  return new SluiceError("connection_lost", `the connection to ${name} was lost: ${loss.message}${advice}`, {
    cause: loss,
  });
}
