// The rejected rows, to be repaired here: filtered by reason, edited cell by cell or by find and
// replace, and imported again.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import type { Import } from "../api/shapes.ts";
import { redo, replaceAll, undo, type Edits, type Search } from "../state/edits.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon, Notice, Progress, useNarrow } from "../ui/parts.tsx";
import { FindReplace } from "./find-replace.tsx";
import { RejectCards } from "./reject-cards.tsx";
import { RejectFiles } from "./reject-files.tsx";
import { RejectGrid } from "./reject-grid.tsx";
import { wordsOf, type RejectRow } from "./reject-rows.ts";
import { useRepair, type RepairState } from "./use-repair.ts";

interface RepairProps {
  readonly import: Import;
}

export function Repair({ import: one }: RepairProps): JSX.Element {
  const { format } = useStore();
  const repair = useRepair(one);
  const { rejects, notShown, notSent, outcome } = repair;
  return (
    <section
      class="repair"
      aria-labelledby="repair-title"
      onKeyDown={(event: KeyboardEvent) => {
        const step = stepOf(event);
        if (!step) return;
        repair.setEdits(step);
        event.preventDefault();
      }}
    >
      <div class="title-line">
        <h2 id="repair-title">{format.counted(one.rejected, "row")} to repair</h2>
        <RejectFiles import={one} />
      </div>
      <p class="muted">
        Change the cells that are marked, and import the rows again from here. You can also download the rows, repair
        them in a spreadsheet, and import that file.
      </p>
      {outcome !== "" && <Notice kind={notSent ? "info" : "good"}>{outcome}</Notice>}
      {notShown && !(rejects && notShown.isAway) && <Notice kind="error">{notShown.message}</Notice>}
      {!rejects && !notShown && <p class="empty">Loading …</p>}
      {rejects && <Rejected import={one} repair={repair} loaded={rejects.length} />}
    </section>
  );
}

/** The rows, the tools to change them, and the button that sends them. */
function Rejected(props: {
  readonly import: Import;
  readonly repair: RepairState;
  readonly loaded: number;
}): JSX.Element {
  const { import: one, repair, loaded } = props;
  const { rows, headers, edits, setEdits, change } = repair;
  const { format } = useStore();
  const narrow = useNarrow();
  const [code, setCode] = useState("");
  const [onlyErrors, setOnlyErrors] = useState(false);
  const [onlyFaulty, setOnlyFaulty] = useState(false);
  const shown = rows.filter(
    ({ row, reject }) => (code === "" || reject.code === code) && !(onlyErrors && edits.now.has(row)),
  );
  const same = { rows: shown, headers, changed: edits.now };
  return (
    <>
      <Reasons rows={rows} chosen={code} onChoose={setCode} />
      <div class="tools">
        <Check label="Only rows that still have errors" checked={onlyErrors} onChange={setOnlyErrors} />
        {!narrow && <Check label="Only columns with errors" checked={onlyFaulty} onChange={setOnlyFaulty} />}
        <span class="spring" />
        <Steps edits={edits} onStep={setEdits} />
      </div>
      <FindReplace
        rows={shown}
        changed={edits.now}
        onReplace={(search: Search, by: string) => change(replaceAll(shown, edits.now, search, by))}
      />
      {narrow ? (
        <RejectCards {...same} onType={repair.type} />
      ) : (
        <RejectGrid {...same} onChange={change} onlyFaulty={onlyFaulty} />
      )}
      {one.rejected > loaded && (
        <p class="muted">
          The first {format.count(loaded)} of {format.count(one.rejected)} are here. The files have all of them.
        </p>
      )}
      <Send
        table={one.table}
        changed={edits.now.size}
        sent={repair.sent}
        problem={repair.notSent}
        onSend={() => void repair.send()}
      />
    </>
  );
}

function Check(props: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      {props.label}
    </label>
  );
}

/** The buttons that undo the last change and make it again. */
function Steps(props: {
  readonly edits: Edits;
  readonly onStep: (step: (edits: Edits) => Edits) => void;
}): JSX.Element {
  const { edits, onStep } = props;
  return (
    <>
      <button
        type="button"
        disabled={edits.past.length === 0}
        aria-keyshortcuts="Control+Z"
        onClick={() => onStep(undo)}
      >
        <Icon name="undo" size={16} />
        Undo
      </button>
      <button
        type="button"
        disabled={edits.future.length === 0}
        aria-keyshortcuts="Control+Y"
        onClick={() => onStep(redo)}
      >
        <Icon name="redo" size={16} />
        Redo
      </button>
    </>
  );
}

/** The step that a key asks for. In a field, Ctrl+Z is the field's own. */
function stepOf(event: KeyboardEvent): ((edits: Edits) => Edits) | undefined {
  if (!(event.ctrlKey || event.metaKey) || event.composedPath()[0] instanceof HTMLInputElement) return undefined;
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) return redo;
  return key === "z" ? undo : undefined;
}

const AWAY = "The server cannot be reached. Your changes stay here: import them when it is back.";

function Send(props: {
  readonly table: string | null;
  readonly changed: number;
  /** The part of the rows that has been sent; undefined if none are on their way. */
  readonly sent: number | undefined;
  readonly problem: Problem | undefined;
  readonly onSend: () => void;
}): JSX.Element {
  const { format } = useStore();
  const { table, changed, sent, problem, onSend } = props;
  return (
    <div class="send">
      {problem && <Notice kind="error">{problem.isAway ? AWAY : problem.message}</Notice>}
      {sent !== undefined && <Progress fraction={sent} label="Importing the repaired rows" />}
      <button type="button" class="primary" disabled={changed === 0 || sent !== undefined} onClick={onSend}>
        {changed === 0 ? (
          "Change a row to import it again"
        ) : (
          <span>
            Import {format.counted(changed, "changed row")} into <Data>{table}</Data>
          </span>
        )}
      </button>
    </div>
  );
}

/** The reasons, each with its count, to see the rows of one alone. */
function Reasons(props: {
  readonly rows: readonly RejectRow[];
  readonly chosen: string;
  readonly onChoose: (code: string) => void;
}): JSX.Element {
  const { format } = useStore();
  const counts = new Map<string, number>();
  for (const { reject } of props.rows) counts.set(reject.code, (counts.get(reject.code) ?? 0) + 1);
  const chip = (code: string, text: string, n: number): JSX.Element => (
    <button
      key={code}
      type="button"
      class="chip"
      aria-pressed={props.chosen === code}
      onClick={() => props.onChoose(code)}
    >
      {text} <span class="muted">{format.count(n)}</span>
    </button>
  );
  return (
    <div class="chips" role="group" aria-label="Rows by reason">
      {chip("", "All", props.rows.length)}
      {[...counts].toSorted(([, a], [, b]) => b - a).map(([code, n]) => chip(code, wordsOf(code), n))}
    </div>
  );
}
