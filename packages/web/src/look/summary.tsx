// What the file holds and what was assumed of it, beside the grid.
import type { JSX } from "preact";
import type { SheetPreview } from "../api/shapes.ts";
import { keyOf } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Lines } from "../ui/parts.tsx";
import { doubtOf } from "./doubt.ts";

const SHOWN_NOTES = 5;
const SHOWN_REJECTS = 3;

export function Summary({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element {
  const { format } = useStore();
  const notes = [...orderNotes(job, sheet), ...sheet.notes, ...(job.preview.value?.notes ?? [])].filter(
    (note) => !note.startsWith("the schema file"),
  );
  const doubts = sheet.exists ? [] : sheet.columns.filter((column) => doubtOf(column)?.nearest);
  const used = sheet.columns.filter(({ column }) => column !== null).length;
  return (
    <aside class="panel summary" aria-labelledby="summary-title">
      <h2 id="summary-title">What is in it</h2>
      <dl class="facts">
        <div>
          <dt>Rows</dt>
          <dd>
            {format.count(sheet.records)}
            {!sheet.complete && " and more"}
          </dd>
        </div>
        <div>
          <dt>Columns</dt>
          <dd>{format.count(used)}</dd>
        </div>
        {sheet.rejects.total > 0 && (
          <div class="bad">
            <dt>Would be rejected</dt>
            <dd>{format.count(sheet.rejects.total)}</dd>
          </div>
        )}
      </dl>
      {sheet.rejects.first.length > 0 && (
        <ul class="first-rejects" aria-label="Rows that would be rejected">
          {sheet.rejects.first.slice(0, SHOWN_REJECTS).map(({ row, column, reason }) => (
            <li key={row}>
              <span class="muted">Row {row}</span> {column && <Data>{column}: </Data>}
              <span class="bad">{reason}</span>
            </li>
          ))}
        </ul>
      )}
      {doubts.length > 0 && (
        <p class="doubt-line">
          {doubts.length === 1 ? "One column is text" : `${format.count(doubts.length)} columns are text`} only because
          of a few values. The dot marks {doubts.length === 1 ? "it" : "them"}: choose the heading to see why.
        </p>
      )}
      <h3>What was assumed</h3>
      {notes.length === 0 ? (
        <p class="muted">Nothing that could be read in another way.</p>
      ) : (
        <Lines lines={notes} shown={SHOWN_NOTES} />
      )}
    </aside>
  );
}

/**
 * Says in which order dates are read, unless somebody chose it. Years of two digits have a note of
 * the service.
 */
function orderNotes(job: Job, sheet: SheetPreview): string[] {
  const orders = new Map<string, string[]>();
  for (const found of sheet.columns) {
    const { column, dateFormat } = found;
    const chosen = job.choices.value.columns[keyOf(found)]?.notation;
    if (column === null || !dateFormat?.includes("YYYY") || chosen) continue;
    orders.set(dateFormat, [...(orders.get(dateFormat) ?? []), `"${column}"`]);
  }
  return [...orders].map(([order, names]) => `the dates of ${names.join(", ")} are read as ${order}`);
}
