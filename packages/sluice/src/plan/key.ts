// The keys of a table: what tells its rows apart.
import { deletesSoftly, NOT_DELETED, type TableSchema } from "../schema/schema.ts";
import type { UniqueIndex } from "../target.ts";

/** The unique indexes of a table that is yet to be made. */
export function uniqueOf(schema: TableSchema): UniqueIndex[] {
  const index = (columns: readonly string[], primary = false, where?: string): UniqueIndex => ({
    name: "",
    columns,
    expression: false,
    primary,
    where,
    arbiter: true,
    deferrable: false,
    nullsDistinct: true,
  });
  const single = schema.columns
    .filter((column) => column.primaryKey || column.unique)
    .map((column) => index([column.name], column.primaryKey));
  const where = deletesSoftly(schema) ? NOT_DELETED : undefined;
  return schema.key.length > 0 ? [...single, index(schema.key, false, where)] : single;
}

/** A table that is made gets a unique constraint over the key, if its schema does not state one. */
export function withKey(schema: TableSchema, key: readonly string[] | undefined): TableSchema {
  const same = (unique: readonly string[]): boolean =>
    unique.length === key?.length && key.every((name) => unique.includes(name));
  if (!key || uniqueOf(schema).some(({ columns }) => same(columns))) return schema;
  if (schema.key.length > 0 || !key.every((name) => schema.columns.some((column) => column.name === name)))
    return schema;
  return { ...schema, key };
}

/**
 * The key that tells rows apart by default: the schema's key, else the primary key, if the sheet
 * brings it.
 */
export function defaultKey(
  schema: TableSchema,
  unique: readonly UniqueIndex[],
  loaded: ReadonlySet<string>,
): readonly string[] {
  const primary = unique.find((index) => index.primary)?.columns ?? [];
  return [schema.key, primary].find((key) => key.length > 0 && key.every((name) => loaded.has(name))) ?? [];
}
