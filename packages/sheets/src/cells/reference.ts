// Cell references: `B7` ↔ column 2, row 7. Both count from 1.

/** `B7` of column 2 and row 7. */
export function cellName(column: number, row: number): string {
  return columnName(column) + row;
}

export function columnName(column: number): string {
  let name = "";
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26))
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  return name;
}

/**
 * Column and row of a reference; undefined if the text is not one. The caller checks whether they
 * are too large.
 */
export function parseReference(text: string): { column: number; row: number } | undefined {
  const match = /^\s*([A-Za-z]{1,10})(\d{1,15})\s*$/.exec(text);
  if (!match) return undefined;
  let column = 0;
  for (const letter of match[1]!.toUpperCase()) column = column * 26 + letter.charCodeAt(0) - 64;
  return { column, row: Number(match[2]) };
}
