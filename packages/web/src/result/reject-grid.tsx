// The rejected rows as a grid: what is wrong, then the cells of the sheet, each of which can be
// changed.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { textAt, type Change, type Changed } from "../state/edits.ts";
import type { GridCell, GridColumn } from "../ui/grid-props.ts";
import { Grid } from "../ui/grid.tsx";
import type { Spot } from "../ui/grid-keys.ts";
import { widthFor } from "../ui/grid-sight.ts";
import { Data } from "../ui/parts.tsx";
import type { RejectRow } from "./reject-rows.ts";

export interface RejectsProps {
  readonly rows: readonly RejectRow[];
  readonly headers: readonly string[];
  readonly changed: Changed;
  readonly onChange: (changes: readonly Change[]) => void;
}

const HEAD_HEIGHT = 40;
const REASON_WIDTH = 330;
/** Rows whose texts decide how wide a column is. */
const MEASURED_ROWS = 100;

/** @param props.onlyFaulty columns in which no cell is at fault are not shown */
export function RejectGrid(props: RejectsProps & { readonly onlyFaulty: boolean }): JSX.Element {
  const { rows, headers, changed, onChange, onlyFaulty } = props;
  const [spot, setSpot] = useState<Spot>({ row: 0, column: 0 });
  const width = Math.max(headers.length, ...rows.map(({ cells }) => cells.length));
  const all = Array.from({ length: width }, (_, n) => n);
  const faulty = new Set(rows.flatMap(({ faults }) => [...faults]));
  const places = onlyFaulty && rows.every(({ faults }) => faults.size > 0) ? all.filter((n) => faulty.has(n)) : all;
  const columns: GridColumn[] = [
    { key: "reason", width: REASON_WIDTH, head: "What is wrong", readOnly: true },
    ...places.map((n) => ({
      key: String(n),
      width: widthFor([headers[n] ?? "", ...rows.slice(0, MEASURED_ROWS).map(({ cells }) => cells[n] ?? "")]),
      head: !headers[n] ? "no header" : <Data>{headers[n]}</Data>,
    })),
  ];
  const cell = (at: number, column: number): GridCell => {
    const { row, cells, faults, reject } = rows[at]!;
    const edited = changed.has(row);
    if (column === 0)
      return { text: edited ? "Changed, not imported yet" : reject.reason, className: edited ? "muted" : "reason" };
    const n = places[column - 1]!;
    const now = textAt(changed, { row, column: n }, cells[n] ?? "");
    return {
      text: now,
      className: changed.get(row)?.has(n) ? "edited" : "",
      problem: faults.has(n) && !changed.get(row)?.has(n) ? reject.reason : undefined,
    };
  };
  const active = rows[spot.row];
  return (
    <div class="sheet">
      {rows.length === 0 ? (
        <p class="empty">Nothing is left here. Import the changed rows again, or show all of them.</p>
      ) : (
        <Grid
          label="Rejected rows"
          columns={columns}
          rowCount={rows.length}
          headHeight={HEAD_HEIGHT}
          row={(row) => ({ label: rows[row]!.row, className: changed.has(rows[row]!.row) ? "changed" : "record" })}
          cell={cell}
          onSpot={setSpot}
          onEdit={(row, column, text) => onChange([{ row: rows[row]!.row, column: places[column - 1]!, text }])}
        />
      )}
      {active && (
        <p class="inspector">
          <span class="muted">Row {active.row}</span>
          <span class="bad">{active.reject.reason}</span>
          {spot.column > 0 && <Data>{cell(spot.row, spot.column).text}</Data>}
        </p>
      )}
    </div>
  );
}
