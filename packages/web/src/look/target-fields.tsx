// The table for the rows, and the row that is the header.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SheetPreview } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { chooseLayout, chooseOption } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Field } from "../ui/parts.tsx";

interface TargetProps {
  readonly job: Job;
  readonly sheet: SheetPreview;
}

/** Codes of refusals that are about the table's name. */
export const ABOUT_TABLE: ReadonlySet<string> = new Set([
  "table_not_allowed",
  "bad_table",
  "table_exists",
  "no_such_table",
]);
/** The rows that are offered as the header. */
const OFFERED_ROWS = 30;
const SHOWN_CELLS = 4;

export function TableField({ job, sheet }: TargetProps): JSX.Element {
  const store = useStore();
  const choices = job.choices.value;
  /** The text that is being typed: the field may be empty for a moment. */
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const fixed = store.settings.table !== undefined;
  const problem = job.problem.value ?? sheet.error;
  const wrong = problem && ABOUT_TABLE.has(problem.code) ? messageForPage(problem.message, job.name) : undefined;
  const replaces = choices.options["replace"] === "true";
  return (
    <Field
      id="table"
      label="Into the table"
      error={wrong}
      hint={
        sheet.exists
          ? replaces
            ? "The rows that it holds now are deleted in the same step."
            : "The table is there already. Its rows stay."
          : "A new table."
      }
    >
      <div class="inline">
        <input
          id="table"
          type="text"
          dir="auto"
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          readOnly={fixed}
          aria-describedby="table-hint"
          value={typed ?? choices.table ?? sheet.table}
          placeholder={sheet.table}
          onBlur={() => setTyped(undefined)}
          onInput={(event) => {
            const { table: _, ...others } = choices;
            const table = event.currentTarget.value;
            setTyped(table);
            job.choose(table === "" ? others : { ...others, table });
          }}
        />
        {sheet.exists && (
          <select
            aria-label="Rows that the table holds"
            value={replaces ? "replace" : "add"}
            onChange={(event) =>
              job.choose(chooseOption(choices, "replace", event.currentTarget.value === "replace" ? "true" : ""))
            }
          >
            <option value="add">Add to its rows</option>
            <option value="replace">Replace its rows</option>
          </select>
        )}
      </div>
    </Field>
  );
}

export function HeaderField({ job, sheet }: TargetProps): JSX.Element {
  const choices = job.choices.value;
  const found = sheet.headerRows.length === 0 ? "none" : sheet.headerRows.join("-");
  const rows = job.grid.value.slice(0, OFFERED_ROWS);
  const name = (row: number, cells: readonly (string | null)[]): string => {
    const texts = cells.filter((cell) => cell !== null && cell.trim() !== "").slice(0, SHOWN_CELLS);
    return `Row ${row}: ${texts.length === 0 ? "empty" : texts.join(" | ").slice(0, 60)}`;
  };
  const listed = new Set(["none", ...rows.map(({ row }) => String(row))]);
  return (
    <Field
      id="header"
      label="The header is"
      hint={choices.header === undefined ? "Found by what the rows hold." : undefined}
    >
      <div class="inline">
        <select
          id="header"
          aria-describedby={choices.header === undefined ? "header-hint" : undefined}
          value={choices.header ?? found}
          onChange={(event) => job.choose(chooseLayout(choices, { header: event.currentTarget.value }))}
        >
          {!listed.has(choices.header ?? found) && (
            <option value={choices.header ?? found}>Rows {(choices.header ?? found).replace("-", "–")}, joined</option>
          )}
          {rows.map(({ row, cells }) => (
            <option key={row} value={String(row)}>
              {name(row, cells)}
            </option>
          ))}
          <option value="none">No row: there is no header</option>
        </select>
        {choices.header !== undefined && (
          <button type="button" class="quiet" onClick={() => job.choose(chooseLayout(choices, {}))}>
            As found
          </button>
        )}
      </div>
    </Field>
  );
}

/**
 * The name of another table, if the service refuses to look at the file for the one that it is
 * called after.
 */
export function OtherTable({ job }: { readonly job: Job }): JSX.Element | null {
  const store = useStore();
  const [table, setTable] = useState(job.choices.value.table ?? "");
  if (store.settings.table !== undefined) return null;
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        job.choices.value = { ...job.choices.value, table: table.trim() };
        void job.look();
      }}
    >
      <input
        type="text"
        aria-label="Another table"
        placeholder="Another table"
        dir="auto"
        autoComplete="off"
        spellcheck={false}
        value={table}
        onInput={(event) => setTable(event.currentTarget.value)}
      />
      <button type="submit" class="primary" disabled={table.trim() === ""}>
        Use it
      </button>
    </form>
  );
}
