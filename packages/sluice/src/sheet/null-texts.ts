// The texts that `--null` states to mean that there is no value, by column.
import type { Header, NullTexts } from "../options.ts";
import { toIdentifier } from "../schema/identifiers.ts";
import type { IsMissing } from "./infer.ts";

/** Reports whether marks are looked for in addition to those that are stated. */
export function guessesMarks(nulls: NullTexts): boolean {
  return !nulls.includes("");
}

/**
 * The texts that are stated for a column, by its name or header.
 * @param known all names and headers
 */
export function statedFor(nulls: NullTexts, names: readonly string[], known: ReadonlySet<string>): string[] {
  return nulls.flatMap((given) => {
    if (given === "") return [];
    const at = given.indexOf("=");
    const name = given.slice(0, Math.max(at, 0)).trim();
    if (at < 1 || !known.has(name)) return [given];
    return names.includes(name) && at + 1 < given.length ? [given.slice(at + 1)] : [];
  });
}

/** A test for the texts that inference has to pass over, before columns have names. */
export function isMissingIn(nulls: NullTexts, headers: readonly Header[], map: ReadonlyMap<string, string>): IsMissing {
  if (nulls.every((given) => given === "")) return () => false;
  const namesOf = ({ text }: Header): string[] => [
    text,
    ...(map.has(text) ? [map.get(text)!] : []),
    toIdentifier(text),
  ];
  const known = new Set(headers.flatMap(namesOf));
  const general = new Set(statedFor(nulls, [], known));
  const own = new Map(headers.map((header) => [header.sheetColumn, new Set(statedFor(nulls, namesOf(header), known))]));
  return (sheetColumn, text) => (own.get(sheetColumn) ?? general).has(text().trim());
}
