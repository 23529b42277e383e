// The rejected rows for a window as narrow as a phone: the cell at fault with its reason below it,
// and the others on demand.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { textAt, type Change, type Changed } from "../state/edits.ts";
import { useStore } from "../ui/context.ts";
import { Data } from "../ui/parts.tsx";
import type { RejectRow } from "./reject-rows.ts";

interface RejectCardsProps {
  readonly rows: readonly RejectRow[];
  readonly headers: readonly string[];
  readonly changed: Changed;
  readonly onType: (change: Change) => void;
}

const STEP = 30;

export function RejectCards(props: RejectCardsProps): JSX.Element {
  const { format } = useStore();
  const [shown, setShown] = useState(STEP);
  const { rows } = props;
  return (
    <>
      <ul class="cards">
        {rows.slice(0, shown).map((row) => (
          <Card key={row.row} row={row} {...props} />
        ))}
      </ul>
      {rows.length === 0 && <p class="empty">Nothing is left here.</p>}
      {rows.length > shown && (
        <button type="button" onClick={() => setShown(shown + STEP)}>
          Show more of {format.count(rows.length)}
        </button>
      )}
    </>
  );
}

function Card({
  row,
  headers,
  changed,
  onType,
}: Omit<RejectCardsProps, "rows"> & { readonly row: RejectRow }): JSX.Element {
  const others = row.cells.map((_, n) => n).filter((n) => !row.faults.has(n));
  const field = (n: number): JSX.Element => {
    const id = `cell-${row.row}-${n}`;
    return (
      <div key={n} class={row.faults.has(n) && !changed.has(row.row) ? "field wrong" : "field"}>
        <label for={id}>
          <Data>{headers[n] || `Column ${n + 1}`}</Data>
        </label>
        <input
          id={id}
          type="text"
          dir="auto"
          value={textAt(changed, { row: row.row, column: n }, row.cells[n] ?? "")}
          aria-describedby={`reason-${row.row}`}
          onInput={(event) => onType({ row: row.row, column: n, text: event.currentTarget.value })}
        />
      </div>
    );
  };
  return (
    <li class="card reject">
      <p class="muted">Row {row.row}</p>
      {[...row.faults].map(field)}
      <p class={changed.has(row.row) ? "muted" : "error"} id={`reason-${row.row}`}>
        {changed.has(row.row) ? "Changed, not imported yet" : row.reject.reason}
      </p>
      <details open={row.faults.size === 0}>
        <summary>{row.faults.size === 0 ? "All cells" : "Other cells"}</summary>
        {others.map(field)}
      </details>
    </li>
  );
}
