// What the checker must find, made in SQL: each part of the protocol that the model can do without
// is taken out of a function of the ledger, or of a statement of the program.
import { LEDGER_DDL } from "../schema.ts";

export interface Mutation {
  /** As model.test.ts calls what is taken out. */
  readonly without: string;
  /**
   * Text of one of the ledger's functions, or of one statement of the program, and what stands
   * there instead.
   */
  readonly in: "functions" | "statements";
  readonly from: string;
  readonly to: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    without: "a fence at the first step of a chunk",
    in: "functions",
    from: "where id = of_import and epoch = mine and state = 'running' for share",
    to: "where id = of_import for share",
  },
  {
    without: "a fence at a later step",
    in: "functions",
    from: "and n = chunk and epoch = mine and done = at",
    to: "and n = chunk and done = at",
  },
  {
    without: "a fence in the same transaction as the rows",
    in: "functions",
    from: "state = 'running' for share",
    to: "state = 'running'",
  },
  {
    without: "an epoch: the lease alone decides",
    in: "functions",
    from: "where id = of_import and epoch = mine and state = 'running' for share",
    to: "where exists (select from sluice.leases l where l.import = of_import and l.expires_at > clock_timestamp()) for share",
  },
  {
    without: "a new epoch for each claim",
    in: "functions",
    from: "set epoch = l.epoch + 1",
    to: "set epoch = l.epoch",
  },
  {
    without: "a new epoch for the chunks that are half-way",
    in: "functions",
    from: "update sluice.chunks set epoch = mine where",
    to: "update sluice.chunks set epoch = mine where false and",
  },
  {
    without: "one transaction for rows and record",
    in: "statements",
    from: "select sluice.commit_rows(",
    to: "commit; select sluice.commit_rows(",
  },
  {
    without: "one transaction for rows and counters",
    in: "functions",
    from: "set done = upto, inserted = inserted + add_inserted",
    to: "set done = upto, inserted = inserted",
  },
  {
    without: "refusing a chunk that is begun already",
    in: "functions",
    from: "add_rejected)\n    on conflict do nothing",
    to: "add_rejected)\n    on conflict (import, n) do update set done = upto",
  },
  {
    without: "refusing a step that is recorded already",
    in: "functions",
    from: "epoch = mine and done = at",
    to: "epoch = mine",
  },
  {
    without: "a fence around renewing the lease",
    in: "statements",
    from: "milliseconds' where import = $1 and epoch = $2",
    to: "milliseconds' where import = $1 and $2 = $2",
  },
  {
    without: "a fence around releasing the lease",
    in: "statements",
    from: "where import = $1 and epoch = $2 returning 1",
    to: "where import = $1 returning 1",
  },
  {
    without: "a fence around the end",
    in: "statements",
    from: "where i.id = $1 and i.epoch = $2 and i.state in ('running', $3) and exists (select from released)",
    to: "where i.id = $1 and $2 = $2 and i.state in ('running', $3)",
  },
  {
    without: "halting the chunks of an import that fails",
    in: "statements",
    from: "done < rows and $3 = 'failed' and",
    to: "done < rows and $3 = 'nothing' and",
  },
  {
    without: "counting before it is finished",
    in: "statements",
    from: "and s.total = coalesce($5::bigint, s.total)",
    to: "and $5 is not distinct from $5",
  },
  {
    without: "ending older sessions",
    in: "statements",
    from: "pg_catalog.pg_terminate_backend(pid)",
    to: "pid",
  },
];

/** The ledger's statements with a mutation. @throws RangeError if its text is not there once */
export function mutatedDdl({ from, to }: Mutation): string {
  const places = LEDGER_DDL.split(from).length - 1;
  if (places !== 1) throw new RangeError(`${JSON.stringify(from)} stands ${places} times in the ledger's functions`);
  return LEDGER_DDL.replace(from, () => to);
}

/**
 * Changes statements on their way.
 * @throws RangeError if a statement has the text more than once
 */
export function mutating({ from, to }: Mutation, found: () => void): (sql: string) => string {
  return (sql) => {
    const places = sql.split(from).length - 1;
    if (places === 0) return sql;
    if (places > 1) throw new RangeError(`${JSON.stringify(from)} stands ${places} times in a statement`);
    found();
    return sql.replace(from, () => to);
  };
}
