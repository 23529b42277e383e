// The columns one below the other, for a window as narrow as a phone: nothing scrolls sideways.
import type { JSX } from "preact";
import type { ColumnPreview, SheetPreview } from "../api/shapes.ts";
import type { Job } from "../state/job.ts";
import { Data } from "../ui/parts.tsx";
import { ColumnSettings } from "./column-panel.tsx";
import { doubtOf } from "./doubt.ts";
import { typeOf } from "./notation.ts";
import { indexOf, shownRows } from "./sheet-rows.ts";

const EXAMPLES = 3;

export function ColumnList({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element {
  const rows = shownRows(sheet, job.grid.value).filter(({ kind }) => kind === "record");
  const examples = (column: ColumnPreview): string[] => {
    const texts = rows.map(({ cells }) => cells[indexOf(column.letter)] ?? "").filter((text) => text !== "");
    return [...new Set(texts)].slice(0, EXAMPLES);
  };
  return (
    <ul class="columns" aria-label="Columns" aria-busy={job.looking.value}>
      {sheet.columns.map((column) => {
        const doubt = sheet.exists ? undefined : doubtOf(column);
        return (
          <li key={column.letter}>
            <details>
              <summary>
                <span class="column-line">
                  <strong>{column.header === "" ? column.column : <Data>{column.header}</Data>}</strong>
                  <span class={column.column === null ? "muted" : "type"}>
                    {column.column === null ? "left out" : typeOf(column)}
                  </span>
                </span>
                <span class="examples">
                  {examples(column).map((text) => (
                    <Data key={text}>{text}</Data>
                  ))}
                </span>
                {doubt?.nearest && <span class="doubt-line">{doubt.short}</span>}
              </summary>
              <ColumnSettings job={job} sheet={sheet} column={column} />
            </details>
          </li>
        );
      })}
    </ul>
  );
}
