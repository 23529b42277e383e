// The names of PostgreSQL's types.

const ALIASES: Readonly<Record<string, string>> = {
  int2: "smallint", int: "integer", int4: "integer", int8: "bigint", decimal: "numeric", float4: "real", float8: "double precision",
  float: "double precision", bool: "boolean", timestamp: "timestamp without time zone", timestamptz: "timestamp with time zone",
  time: "time without time zone", timetz: "time with time zone", "character varying": "varchar", character: "char",
}; // prettier-ignore

const NUMBERS = new Set(["smallint", "integer", "bigint", "numeric", "real", "double precision"]);

/** A type's name without length, alias or case: `VARCHAR(20)` → `varchar`. */
export function baseType(type: string): string {
  const name = type
    .toLowerCase()
    .replace(/\s*\([^)]*\)/, "")
    .trim()
    .replaceAll(/\s+/g, " ");
  return ALIASES[name] ?? name;
}

/** Reports whether texts of a type can be in a notation of numbers. */
export function isNumberType(type: string): boolean {
  return NUMBERS.has(baseType(type));
}
