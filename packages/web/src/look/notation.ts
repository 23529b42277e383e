// The notations that are offered for a type, and the one that the texts of a column have.

import type { ColumnPreview } from "../api/shapes.ts";

const NUMBER_NOTATIONS: Readonly<Record<string, RegExp>> = {
  "1,234.56": /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/,
  "1.234,56": /^(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+)$/,
  "1 234,56": /^\d{1,3}(?:[\s\u00a0\u202f]\d{3})+(?:,\d+)?$/,
  "1'234.56": /^\d{1,3}(?:['’]\d{3})+(?:\.\d+)?$/,
};
const DATE_NOTATIONS: Readonly<Record<string, RegExp>> = {
  "DD/MM/YYYY": /^(?:1[3-9]|2\d|3[01])\/\d{1,2}\/\d{4}$/,
  "MM/DD/YYYY": /^\d{1,2}\/(?:1[3-9]|2\d|3[01])\/\d{4}$/,
  "DD.MM.YYYY": /^\d{1,2}\.\d{1,2}\.\d{4}$/,
  "YYYY-MM-DD": /^\d{4}-\d{2}-\d{2}$/,
  YYYYMMDD: /^(?:19|20)\d{6}$/,
};

/** The type of a column, with the order in which its texts have day, month and year. */
export function typeOf({ type, dateFormat }: Pick<ColumnPreview, "type" | "dateFormat">): string {
  return `${type}${dateFormat === null ? "" : ` as ${dateFormat}`}`;
}

/** The notations for a type, each as an example. */
export function notationsFor(type: string): readonly string[] {
  return Object.keys(patternsFor(type));
}

/** The notation that most of the texts have; undefined if most need none, or if nothing decides. */
export function notationOf(type: string, texts: readonly string[]): string | undefined {
  const bare = texts.map((text) => text.trim().replace(/^[-(]|\)$/g, ""));
  const plain = bare.filter((text) => /^\d+(?:\.\d+)?$/.test(text)).length;
  const counts = Object.entries(patternsFor(type)).map(
    ([notation, pattern]) => [notation, bare.filter((text) => pattern.test(text)).length] as const,
  );
  const [best] = counts.toSorted(([, a], [, b]) => b - a);
  return best && best[1] > plain ? best[0] : undefined;
}

function patternsFor(type: string): Readonly<Record<string, RegExp>> {
  if (/^(?:numeric|integer|bigint|real|double)/.test(type)) return NUMBER_NOTATIONS;
  return /^(?:date|timestamp)/.test(type) ? DATE_NOTATIONS : {};
}
