// One column: its name, type, notation and marks, with the reason for its type and the values that
// speak against another one.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ColumnPreview, SheetPreview } from "../api/shapes.ts";
import { chooseColumn, keyOf, type ColumnChoice } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { Data, Field, Icon } from "../ui/parts.tsx";
import { useStore } from "../ui/context.ts";
import { DraftInput } from "../ui/draft-input.tsx";
import { doubtOf, TYPES } from "./doubt.ts";
import { notationOf, notationsFor } from "./notation.ts";
import { indexOf, shownRows } from "./sheet-rows.ts";

interface ColumnProps {
  readonly job: Job;
  readonly sheet: SheetPreview;
  readonly column: ColumnPreview;
}

export function ColumnPanel({ onClose, ...props }: ColumnProps & { readonly onClose: () => void }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const { column } = props;
  return (
    <aside class="panel" aria-labelledby="column-title" onKeyDown={({ key }) => key === "Escape" && onClose()}>
      <div class="panel-head">
        <h2 id="column-title" tabIndex={-1} ref={heading}>
          <span class="muted">Column {column.letter}</span> <Data>{column.header || column.column}</Data>
        </h2>
        <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
          <Icon name="close" size={18} />
        </button>
      </div>
      <ColumnSettings {...props} />
    </aside>
  );
}

export function ColumnSettings({ job, sheet, column }: ColumnProps): JSX.Element {
  const key = keyOf(column);
  const chosen = job.choices.value.columns[key] ?? {};
  const out = column.column === null;
  const choose = (change: { readonly [name in keyof ColumnChoice]?: ColumnChoice[name] | undefined }): void =>
    job.choose(chooseColumn(job.choices.value, key, change));
  const id = (name: string): string => `${name}-${column.letter}`;
  /** A type, with the notation that the column's texts have. */
  const chooseType = (type: string, more: ColumnChoice = {}): void => {
    const records = shownRows(sheet, job.grid.value).filter(({ kind }) => kind === "record");
    const texts = records.flatMap(({ cells }) => cells[indexOf(column.letter)] ?? []);
    choose({ ...more, type, notation: notationOf(type, texts) });
  };
  return (
    <div class="settings">
      <label class="check">
        <input
          type="checkbox"
          checked={!out}
          onChange={(event) => choose({ out: event.currentTarget.checked ? undefined : true })}
        />
        Import this column
      </label>
      {!out && (
        <>
          <Field id={id("name")} label="Name in the table">
            <DraftInput
              id={id("name")}
              text={chosen.name ?? column.column ?? ""}
              disabled={column.header === ""}
              onDone={(name) => choose({ name: name || undefined })}
            />
          </Field>
          <TypeField id={id("type")} sheet={sheet} column={column} chosen={chosen} choose={chooseType} />
          <Doubts column={column} sheet={sheet} choose={chooseType} />
          <NotationField id={id("notation")} column={column} chosen={chosen} choose={choose} />
          <NullsField id={id("nulls")} column={column} chosen={chosen} choose={choose} />
        </>
      )}
      <Rejected sheet={sheet} column={column} />
      {Object.keys(chosen).length > 0 && (
        <button
          type="button"
          class="link"
          onClick={() =>
            choose({ name: undefined, out: undefined, type: undefined, notation: undefined, nulls: undefined })
          }
        >
          As it was found
        </button>
      )}
    </div>
  );
}

interface FieldProps {
  readonly id: string;
  readonly column: ColumnPreview;
  readonly chosen: ColumnChoice;
  readonly choose: (change: { readonly [name in keyof ColumnChoice]?: ColumnChoice[name] | undefined }) => void;
}

function NullsField({ id, column, chosen, choose }: FieldProps): JSX.Element {
  return (
    <Field
      id={id}
      label="Read as missing"
      hint="Texts that mean “no value”, with commas between them. Empty cells always do."
    >
      <DraftInput
        id={id}
        describedBy={`${id}-hint`}
        placeholder="n/a, -"
        text={(chosen.nulls ?? column.nulls).join(", ")}
        onDone={(text) => choose({ nulls: marksIn(text) })}
      />
    </Field>
  );
}

function TypeField(
  props: Omit<FieldProps, "choose"> & { readonly sheet: SheetPreview; readonly choose: (type: string) => void },
): JSX.Element {
  const { id, sheet, column, chosen, choose } = props;
  const type = chosen.type ?? column.type ?? "text";
  const known = TYPES.some(([name]) => name === type);
  return (
    <Field id={id} label="Type" hint={sheet.exists ? "The table has this type." : undefined}>
      <select id={id} value={type} disabled={sheet.exists} onChange={(event) => choose(event.currentTarget.value)}>
        {!known && <option value={type}>{type}</option>}
        {TYPES.map(([name, label]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
}

function NotationField({ id, column, chosen, choose }: FieldProps): JSX.Element | null {
  const offered = notationsFor(chosen.type ?? column.type ?? "text");
  if (offered.length === 0) return null;
  const found = column.numberFormat ?? column.dateFormat ?? "";
  const now = chosen.notation ?? found;
  const dates = /Y/.test(offered[0]!);
  return (
    <Field id={id} label={dates ? "Dates in texts are written" : "Numbers in texts are written"}>
      <select id={id} value={now} onChange={(event) => choose({ notation: event.currentTarget.value || undefined })}>
        <option value="">{dates ? "2026-01-31" : "1234.56"}</option>
        {now !== "" && !offered.includes(now) && <option value={now}>{now}</option>}
        {offered.map((notation) => (
          <option key={notation} value={notation}>
            {notation}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** Why the column is text, with the values that made it so, and the two ways out. */
function Doubts({
  column,
  sheet,
  choose,
}: Omit<ColumnProps, "job"> & { readonly choose: (type: string, more?: ColumnChoice) => void }): JSX.Element | null {
  const store = useStore();
  const doubt = doubtOf(column);
  if (!doubt || sheet.exists) return null;
  const marks = [...new Set(doubt.against.map(({ value }) => value.trim()))];
  return (
    <div class="doubts">
      <p>
        <strong>{doubt.short[0]!.toUpperCase() + doubt.short.slice(1)}.</strong>
        {doubt.nearest && (
          <>
            {" "}
            The others are <span class="type">{doubt.nearest}</span>.
          </>
        )}
      </p>
      <ul>
        {doubt.against.map(({ row, value }) => (
          <li key={row}>
            <span class="muted">Row {row}</span> <Data>{value}</Data>
          </li>
        ))}
        {doubt.others > doubt.against.length && (
          <li class="muted">and {store.format.count(doubt.others - doubt.against.length)} more</li>
        )}
      </ul>
      {doubt.nearest && (
        <div class="actions">
          <button type="button" onClick={() => choose(doubt.nearest!, { nulls: [...column.nulls, ...marks] })}>
            Read {marks.length === 1 ? "it" : "these"} as missing
          </button>
          <button type="button" onClick={() => choose(doubt.nearest!)}>
            Make it {doubt.nearest}, reject {doubt.others === 1 ? "that row" : "those rows"}
          </button>
        </div>
      )}
    </div>
  );
}

/** Rows that would be rejected because of this column. */
function Rejected({ sheet, column }: Pick<ColumnProps, "sheet" | "column">): JSX.Element | null {
  const rejects = sheet.rejects.first.filter((reject) => reject.column === column.header);
  if (rejects.length === 0) return null;
  return (
    <div class="doubts">
      <p>
        <strong>Rejected because of this column</strong>
      </p>
      <ul>
        {rejects.slice(0, 3).map(({ row, value, reason }) => (
          <li key={row}>
            <span class="muted">Row {row}</span> {value && <Data>{value}</Data>} <span class="bad">{reason}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function marksIn(text: string): string[] {
  return [...new Set(text.split(",").map((mark) => mark.trim()))].filter((mark) => mark !== "");
}
