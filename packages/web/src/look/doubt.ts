// Why a column has the type that it has, if somebody may have expected another one.
import type { ColumnPreview } from "../api/shapes.ts";

export interface Doubt {
  /** In a few words. */
  readonly short: string;
  /** The type that most values have. */
  readonly nearest: string | undefined;
  /** Values that do not have it, with their rows. */
  readonly against: readonly { readonly row: number; readonly value: string }[];
  /** How many there are of these. */
  readonly others: number;
}

/** The doubt of a text column; undefined if nothing speaks for another type. */
export function doubtOf({ type, inferred }: ColumnPreview): Doubt | undefined {
  if (type !== "text") return undefined;
  const { nearest, because, values } = inferred;
  if (nearest) {
    const others = values - nearest.fits;
    return {
      short: `text only because of ${others} ${others === 1 ? "value" : "values"}`,
      nearest: nearest.type,
      against: nearest.against,
      others,
    };
  }
  if (because) return { short: `text, because of ${because}`, nearest: undefined, against: [], others: 0 };
  return undefined;
}

export const TYPES: readonly (readonly [type: string, label: string])[] = [
  ["text", "text"],
  ["integer", "integer: whole numbers"],
  ["bigint", "bigint: large whole numbers"],
  ["numeric", "numeric: exact decimals"],
  ["double precision", "double precision: measured values"],
  ["boolean", "boolean: true or false"],
  ["date", "date"],
  ["timestamp", "timestamp: date and time"],
  ["timestamptz", "timestamptz: a moment in a time zone"],
  ["time", "time of day"],
  ["interval", "interval: a length of time"],
  ["uuid", "uuid"],
  ["jsonb", "jsonb"],
];
