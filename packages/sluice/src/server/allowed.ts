// The tables that a caller may write to: those that `allow` names; if it is not given, `businesses`
// and the tables that imports through a server made (ledger/made.ts knows them).
//
// A table is judged by the schema and the name that it has in the database, not by how the caller
// writes it. The ledger, the catalogues and temporary tables are never allowed, whatever `allow`
// says. A table that does not exist is made in the default schema, or if `allow` names it.
import { businesses } from "../schema/businesses.ts";
import { usageError } from "../errors.ts";
import { quoteTable } from "../schema/identifiers.ts";
import { isMadeSql, notAllowed } from "../ledger/made.ts";
import { hasLedger } from "../ledger/schema.ts";
import { isReserved } from "../plan/off-limits.ts";
import { type Target, isDatabaseError } from "../target.ts";
import { HttpFailure } from "./failure.ts";
import type { Caller } from "../options.ts";

/** Relations that rows do not go into by their name: indexes, sequences, composite types, TOAST. */
const NO_TABLE = new Set(["i", "I", "S", "c", "t"]);

/** The time that an upload waits to hear if its table is allowed. */
const PATIENCE_MS = 2000;

/** `table`, `schema.table`; `*` in either stands for any characters. */
interface Pattern {
  /** Without one, a table of any schema in the search path is meant. */
  readonly schema: RegExp | undefined;
  readonly table: RegExp;
}

/** The relation that a name means in the database. */
interface Relation {
  readonly schema: string;
  readonly table: string;
  /** True if its schema is in the search path, so that a name without a schema means this table. */
  readonly inPath: boolean;
  /** undefined of one that does not exist. */
  readonly oid: string | undefined;
  readonly kind: string | undefined;
  /** The schema is the one in which new tables are made. */
  readonly home: boolean;
}

/** @throws SluiceError (`bad_pattern`) for what names no table */
function parsePattern(text: string): Pattern {
  const [schema, table] = splitName(text);
  if (text.trim() === "" || text.includes("\0"))
    throw usageError(
      "bad_pattern",
      `${JSON.stringify(text)} names no table. Expected a name such as customers, shop.customers, shop.* or import_*`,
    );
  return { schema: schema === undefined ? undefined : glob(schema), table: glob(table) };
}

/** Splits a name as it is read everywhere: the first dot ends the schema. */
function splitName(name: string): [schema: string | undefined, table: string] {
  const dot = name.indexOf(".");
  return dot > 0 && dot < name.length - 1 ? [name.slice(0, dot), name.slice(dot + 1)] : [undefined, name];
}

function glob(text: string): RegExp {
  const parts = text.split("*").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "su");
}

/** Says of a table whether callers may write to it. */
export class AllowedTables {
  readonly #target: Target;
  readonly #patterns: readonly Pattern[] | undefined;

  /**
   * @param allow undefined or empty: `businesses`, and what callers made.
   * @throws SluiceError (`bad_pattern`)
   */
  constructor(target: Target, allow: readonly string[] | undefined) {
    this.#target = target;
    this.#patterns = allow === undefined || allow.length === 0 ? undefined : allow.map(parsePattern);
  }

  /** Reports whether a name is allowed without a look into the database. */
  knows(table: string): boolean {
    return this.#patterns === undefined && table === businesses.name;
  }

  /**
   * Asks the database what a name means, and whether callers may write there.
   *
   * @returns the rules that an import for the caller has to keep to
   * @throws HttpFailure 403 (`table_not_allowed`) if they may not
   */
  async check(table: string): Promise<Caller> {
    const [schema] = splitName(table);
    if (schema !== undefined && isReserved(schema)) throw reserved(table);
    const found = await this.#find(table);
    if (isReserved(found.schema)) throw reserved(table);
    const made = found.oid !== undefined && (await this.#isMade(found.oid));
    if (this.#patterns) {
      if (!this.#patterns.some((pattern) => matches(pattern, found))) throw refused(table, NOT_NAMED);
      if (found.kind !== undefined && NO_TABLE.has(found.kind)) throw refused(table, "It is not a table.");
      return { ownTable: false, hidesColumns: !made };
    }
    const directory = found.table === businesses.name && found.inPath;
    if (found.oid === undefined && !found.home && !directory)
      throw refused(table, `New tables are made in the schema of this server's own: leave "${schema}." out.`);
    if (found.oid !== undefined && !made && !directory) throw notAllowed(table);
    return { ownTable: !directory, hidesColumns: !made };
  }

  /**
   * Checks as {@link check} does, but before a file is read, so that it need not be sent. A
   * database that does not answer soon does not hold the caller up: its import asks again.
   *
   * @throws HttpFailure 403
   */
  async admit(table: string): Promise<void> {
    if (this.knows(table)) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    const checked = this.check(table);
    checked.catch(() => undefined);
    await Promise.race([checked, patience]).finally(() => clearTimeout(timer));
  }

  async #find(table: string): Promise<Relation> {
    const [schema, name] = splitName(table);
    try {
      const { rows } = await this.#target.query(FIND, [quoteTable(table), schema ?? null]);
      const [found, itsName, oid, kind, inPath, home] = rows[0]!;
      if (found === null || found === undefined) throw refused(table, "There is no schema to make it in.");
      return {
        schema: found,
        table: itsName ?? name,
        inPath: inPath === "true",
        oid: oid ?? undefined,
        kind: kind ?? undefined,
        home: home === "true",
      };
    } catch (error) {
      // A user who may not look into a schema may not write there.
      if (isDatabaseError(error) && error.code === "42501") throw refused(table, "It is in another schema.");
      throw error;
    }
  }

  async #isMade(oid: string): Promise<boolean> {
    if (!(await hasLedger(this.#target))) return false;
    const { rows } = await this.#target.query(`select (${isMadeSql("$1::oid")})::text`, [oid]);
    return rows[0]?.[0] === "true";
  }
}

function matches({ schema, table }: Pattern, relation: Relation): boolean {
  return table.test(relation.table) && (schema?.test(relation.schema) ?? relation.inPath);
}

const NOT_NAMED = "It is none of those that this server takes rows for.";
const ASK = "or ask whoever runs the server to allow this one";

function reserved(table: string): HttpFailure {
  return forbidden(
    `Uploads never write to the table "${table}": it belongs to the database itself. Name another table.`,
  );
}

function refused(table: string, why: string): HttpFailure {
  return forbidden(`Uploads may not write to the table "${table}". ${why} Name another table, ${ASK}.`);
}

function forbidden(message: string): HttpFailure {
  return new HttpFailure(403, message, {}, "table_not_allowed");
}

/**
 * The relation that a name means, or would mean: schema, table, OID, kind; whether the schema is in
 * the search path, and the schema for new tables.
 */
const FIND = `
  select s.name, c.relname::text, c.oid::text, c.relkind::text,
         (s.name = any (current_schemas(false)::text[]))::text, (s.name = current_schema()::text)::text
  from (select pg_catalog.to_regclass($1)::oid as oid) r
  left join pg_class c on c.oid = r.oid
  left join pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select coalesce(n.nspname::text, $2::text, current_schema()::text) as name) s`;
