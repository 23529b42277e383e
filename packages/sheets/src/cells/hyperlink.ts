// The address in a formula such as `HYPERLINK("https://example.org","the site")`.

/**
 * The link of a formula: its address, or that it is computed, so that the address is not known.
 * Undefined if the formula is not a link.
 */
export function linkOfFormula(formula: string): { readonly address: string } | "computed" | undefined {
  const [, rest] = /^(?:(?:of|oooc|msoxl):)?=?\s*HYPERLINK\s*\(\s*(.*)$/is.exec(formula.trimStart()) ?? [];
  if (rest === undefined) return undefined;
  const [, quoted] = /^"((?:[^"]|"")*)"\s*(?:[,;]|\)\s*$)/s.exec(rest) ?? [];
  return quoted === undefined ? "computed" : { address: quoted.replaceAll('""', '"') };
}
