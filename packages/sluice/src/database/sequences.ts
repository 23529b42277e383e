// Sequences that give a column its values, and the values that the sheet brings for that column.
//
// What must hold: when rows are visible, the sequence has passed the ids that they brought, so that
// the application's next row gets a new id. So a sequence is moved in the transaction of the rows,
// by the statement that holds the ledger's part. PostgreSQL never takes a sequence back: if that
// transaction fails in the end, a gap stays, which harms nobody. `sluice.move_sequence` moves a
// sequence forwards only. A dry run does not move it.
import { fields, type Chunk, type Sequence } from "../chunk/chunk.ts";
import type { Reject } from "../reject.ts";
import { quoteIdentifier, quoteLiteral, quoteTable } from "../schema/identifiers.ts";
import type { QueryResult } from "../target.ts";

/** The farthest id of each sequence that rows have brought so far. */
export type Reached = Map<Sequence, bigint>;

interface Asked {
  query(sql: string, parameters?: readonly (string | null)[]): Promise<QueryResult>;
}

/** The sequences that a chunk's rows may have to move. */
export function movable({ plan: { sequences = [] } }: Chunk): Sequence[] {
  return sequences.filter((sequence) => sequence.movable);
}

/** Notes how far rows [from, to) of a chunk reach, except those that the database refused. */
export function reach(reached: Reached, chunk: Chunk, from: number, to: number, refused: readonly Reject[] = []): void {
  const { columns } = chunk.plan;
  const wanted = movable(chunk);
  if (wanted.length === 0) return;
  const places = wanted.map((sequence) => columns.findIndex(({ column }) => column.name === sequence.column));
  const bad = new Set(refused.map(({ row }) => row));
  for (let row = from; row < to; row++) {
    if (bad.has(chunk.rowNumbers[row]!)) continue;
    const values = fields(chunk, row);
    for (const [n, sequence] of wanted.entries()) {
      const text = values[places[n]!];
      if (text === null || text === undefined || !/^-?\d+$/.test(text)) continue;
      const id = BigInt(text);
      const before = reached.get(sequence);
      if (before === undefined || (sequence.descending ? id < before : id > before)) reached.set(sequence, id);
    }
  }
}

/**
 * Calls that move sequences past what was reached, each with a comma in front, for a list of
 * SELECT.
 */
export function moveSql(reached: Reached): string {
  return Array.from(reached, ([{ name }, id]) => `, ${moveCall(name, String(id))}`).join("");
}

/** @param id SQL of a number; nothing happens if it is NULL */
export function moveCall(name: string, id: string): string {
  return `sluice.move_sequence(${quoteLiteral(name)}::regclass, ${id}::bigint)`;
}

/** The next value of each sequence. Those that this user may not read are left out. */
export async function nextOf(asked: Asked, sequences: readonly Sequence[]): Promise<Map<string, bigint>> {
  const next = new Map<string, bigint>();
  for (const { name, movable } of sequences) {
    if (!movable) continue;
    const { rows } = await asked.query(
      `select (case when s.is_called then s.last_value + q.seqincrement else s.last_value end)::text
       from ${name} s, pg_catalog.pg_sequence q where q.seqrelid = ${quoteLiteral(name)}::regclass`,
    );
    next.set(name, BigInt(rows[0]![0]!));
  }
  return next;
}

/**
 * The notes about the sequences when the rows are in.
 *
 * @param before the next value of each when this process began
 */
export async function sequenceNotes(
  asked: Asked,
  table: string,
  sequences: readonly Sequence[],
  before: ReadonlyMap<string, bigint>,
): Promise<string[]> {
  const now = await nextOf(asked, sequences);
  return sequences.flatMap(({ name, column, movable, descending }) => {
    if (!movable)
      return [
        `the sheet brings values for the column "${column}", and this user may not move its sequence ${name}: ` +
          `the next row may meet one of these values. Let its owner run: ${movingSql(name, column, descending, table)}`,
      ];
    const [was, is] = [before.get(name), now.get(name)];
    if (was === undefined || is === undefined || was === is) return [];
    return [
      `the sequence ${name} was moved past the values that the sheet brings for "${column}": it goes on with ${is}`,
    ];
  });
}

/** A statement that moves a sequence past the values in its column, and never backwards. */
function movingSql(name: string, column: string, descending: boolean, table: string): string {
  const [farthest, farther] = descending ? ["min", "least"] : ["max", "greatest"];
  const sequence = quoteLiteral(name);
  return `select setval(${sequence}, ${farther}(${farthest}(${quoteIdentifier(column)}), nextval(${sequence}))) from ${quoteTable(table)};`;
}
