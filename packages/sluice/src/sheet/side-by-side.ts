// Tables side by side in one sheet: blocks that repeat the same names, and tables that an empty
// column parts.
//
//   Name | Score |  | Name | Score      blocks with the same names (repeatedBlocks)
//   Ada  | 1     |  | Bob  | 2
//
//   Item | Price |  | Staff | Pay       an empty column parts two tables (partedTables): the rows
//   Tea  | 3.5   |  | Ada   | 1200      of the shorter one end, and of the other come
//   Milk | 1.2   |  |       |
//
//   Item | Price |
//   Tea  | 3.5   |  | Staff | Pay       a table right of the names begins further down (lowerTable)
//   Milk | 1.2   |  | Ada   | 1200
//
//   Item | Price |
//   Tea  | 3.5   |  | Rent  | 900         a block without names (blockBeside)
//   Milk | 1.2   |  | Light | 80
//   Rye  | 2.5   |
//
// A column that only sets others apart parts nothing, and neither do the columns that are empty
// since the cells of each name are merged across.
import { sortBelow } from "./evidence.ts";
import type { HeadCell, HeadRow } from "./head-rows.ts";
import type { Layout } from "./header-row.ts";

/** The columns of a table, the first and the last one. */
export type Block = readonly [first: number, last: number];

/** Names that a block has at least. */
const LEAST_NAMES = 2;
/** Rows of a list at least, if it has one name alone. */
const LIST_ROWS = 2;

/** The blocks whose names are the same, in the same order; empty if no name comes again. */
export function repeatedBlocks({ headers }: Layout): Block[] {
  const names = headers.toSorted((a, b) => a.sheetColumn - b.sheetColumn);
  for (let length = LEAST_NAMES; length * 2 <= names.length; length++) {
    const repeats = names.length % length === 0 && names.every(({ text }, n) => text === names[n % length]!.text);
    if (!repeats || new Set(names.slice(0, length).map(({ text }) => text)).size < length) continue;
    return Array.from({ length: names.length / length }, (_, n) => {
      const block = names.slice(n * length, (n + 1) * length);
      return [block[0]!.sheetColumn, block.at(-1)!.sheetColumn] as const;
    });
  }
  return [];
}

/**
 * The tables that empty columns part; empty if there is one table alone. They begin with the same
 * name, and each has two names or more. Or each has its rows without a gap from the first one on,
 * and they do not all have the same number of rows.
 */
export function partedTables({ headers, headerRows }: Layout, records: readonly HeadRow[]): Block[] {
  if (headerRows.length === 0) return [];
  const filled = new Set(records.flatMap(({ cells }) => cells.map(({ column }) => column)));
  const columns = headers.map(({ sheetColumn }) => sheetColumn).sort((a, b) => a - b);
  const parts: number[][] = [];
  let gaps = 0;
  for (const [n, column] of columns.entries()) {
    const before = columns[n - 1];
    const isApart = before !== undefined && column > before + 1 && !isAnyFilled(filled, before + 1, column - 1);
    if (before !== undefined && column > before + 1) gaps++;
    if (before === undefined || isApart) parts.push([column]);
    else parts.at(-1)!.push(column);
  }
  const areLists = parts.every((part) => part.length < LEAST_NAMES);
  // Names that are mostly apart from each other are those of merged cells.
  if (parts.length < 2 || (gaps * 2 >= columns.length - 1 && !areLists)) return [];
  const hasList = parts.some((part) => part.length < LEAST_NAMES);
  const blocks = parts.map((part): Block => {
    let last = part.at(-1)!;
    // Columns without a name belong to the table on their left.
    while (filled.has(last + 1) && !columns.includes(last + 1)) last++;
    return [part[0]!, last];
  });
  // A line of one cell says nothing of the tables.
  const wide = records.filter(({ cells }) => cells.length > 1);
  const lengths = blocks.map((block) => rowsIn(block, wide));
  const least = hasList ? LIST_ROWS : 1;
  const whole = lengths.every((length) => length !== undefined && length >= least);
  if (hasList) return whole && new Set(lengths).size > 1 ? blocks : [];
  return (whole && new Set(lengths).size > 1) || shareName(headers, blocks) ? blocks : [];
}

/** A table beside the first one that begins further down: the row of its names, and its columns. */
export interface LowerTable {
  readonly row: number;
  readonly names: readonly HeadCell[];
  readonly block: Block;
}

/** Records that such a table has at least. */
const LOWER_ROWS = 2;

/**
 * The table right of all names, or left of them, that begins below the header: the first row that
 * fills these columns has a text over each of them, and one of the texts is over values.
 */
export function lowerTable({ headers, headerRows }: Layout, records: readonly HeadRow[]): LowerTable | undefined {
  if (headerRows.length === 0) return undefined;
  const named = headers.map(({ sheetColumn }) => sheetColumn);
  const [first, last] = [Math.min(...named), Math.max(...named)];
  for (const isBeside of [(column: number) => column > last, (column: number) => column < first]) {
    const rows = records.flatMap(({ number, cells }) => {
      const own = cells.filter(({ column }) => isBeside(column));
      return own.length > 0 ? [{ number, cells: own }] : [];
    });
    const [top, ...others] = rows;
    const columns = [...new Set(rows.flatMap(({ cells }) => cells.map(({ column }) => column)))].sort((a, b) => a - b);
    if (!top || columns.length < LEAST_NAMES || others.length < LOWER_ROWS) continue;
    // The next row is right below the names.
    const areNames = top.cells.length === columns.length && others[0]!.number === top.number + 1;
    if (!areNames || top.cells.some(({ sort }) => sort !== "text")) continue;
    const sorts = columns.map((one) => sortBelow(others.flatMap(({ cells }) => cells.filter(({ column }) => column === one)))); // prettier-ignore
    if (sorts.some((sort) => sort !== undefined && sort !== "text"))
      return { row: top.number, names: top.cells, block: [columns[0]!, columns.at(-1)!] };
  }
  return undefined;
}

/** A block of cells beside the table, without names, and the rows that it is in. */
export interface BlockBeside {
  readonly table: Block;
  readonly block: Block;
  readonly firstRow: number;
  readonly lastRow: number;
}

/** Rows and columns that such a block has at least. */
const BESIDE = 2;

/**
 * The block that empty columns part from the table, if it has no name in the header, and values in
 * half of the table's rows at most.
 */
export function blockBeside({ headers }: Layout, records: readonly HeadRow[]): BlockBeside | undefined {
  const columns = new Set([...headers.map(({ sheetColumn }) => sheetColumn), ...records.flatMap(({ cells }) => cells.map(({ column }) => column))]); // prettier-ignore
  const parts: [number, number][] = [];
  for (const column of [...columns].sort((a, b) => a - b)) {
    const part = parts.at(-1);
    if (part && part[1] === column - 1) part[1] = column;
    else parts.push([column, column]);
  }
  const [table, block] = parts
    .map((part) => ({ part, rows: records.filter((row) => isIn(row, part)) }))
    .sort((a, b) => b.rows.length - a.rows.length || a.part[0] - b.part[0]);
  if (!table || !block || parts.length !== 2 || isNamed(headers, block.part)) return undefined;
  const areFew = block.rows.length >= BESIDE && block.rows.length * 2 <= table.rows.length;
  const isWide = [table, block].every(({ part }) => part[1] - part[0] + 1 >= BESIDE);
  const holdsValues = block.rows.some(({ cells }) =>
    cells.some(({ column, sort }) => sort !== "text" && column >= block.part[0] && column <= block.part[1]),
  );
  if (!areFew || !isWide || !holdsValues) return undefined;
  return { table: table.part, block: block.part, firstRow: block.rows[0]!.number, lastRow: block.rows.at(-1)!.number };
}

function isIn({ cells }: HeadRow, [first, last]: Block): boolean {
  return cells.some(({ column }) => column >= first && column <= last);
}

function isNamed(headers: Layout["headers"], [first, last]: Block): boolean {
  return headers.some(({ sheetColumn }) => sheetColumn >= first && sheetColumn <= last);
}

function shareName(headers: Layout["headers"], blocks: readonly Block[]): boolean {
  const names = blocks.map(([first]) => headers.find(({ sheetColumn }) => sheetColumn === first)!.text);
  return new Set(names).size === 1;
}

function isAnyFilled(filled: ReadonlySet<number>, from: number, to: number): boolean {
  for (let column = from; column <= to; column++) if (filled.has(column)) return true;
  return false;
}

/**
 * The number of rows that a block fills, from the first one on; undefined if some are missing.
 * Lines of one cell may be below them, as remarks are.
 */
function rowsIn([first, last]: Block, records: readonly HeadRow[]): number | undefined {
  const counts = records.map(({ cells }) => cells.filter(({ column }) => column >= first && column <= last).length);
  const length = [...counts, 0].indexOf(0);
  const isWide = counts.slice(0, length).some((count) => count > 1);
  return counts.slice(length).every((count) => count === 0 || (isWide && count === 1)) ? length : undefined;
}
