// The rejected rows, to be repaired here: filtered by reason, edited cell by cell or by find and replace, and imported again.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import type { Import, Reject } from "../api/shapes.ts";
import {
  edit,
  forget,
  NO_EDITS,
  redo,
  replaceAll,
  type,
  undo,
  type Change,
  type Place,
  type Search,
} from "../state/edits.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon, Notice, Progress, useNarrow } from "../ui/parts.tsx";
import { FindReplace } from "./find-replace.tsx";
import { RejectCards } from "./reject-cards.tsx";
import { RejectFiles } from "./reject-files.tsx";
import { RejectGrid } from "./reject-grid.tsx";
import { toRows, toSend, wordsOf, type RejectRow } from "./reject-rows.ts";

interface RepairProps {
  readonly import: Import;
  readonly onRepaired: () => Promise<void>;
}

const PAGE = 500;
/** The number of rejected rows that can be repaired here at a time; a file holds all of them. */
const MOST_ROWS = 5000;
/** The number of rows that are sent at a time. */
const SENT_ROWS = 500;

export function Repair({ import: one, onRepaired }: RepairProps): JSX.Element {
  const store = useStore();
  const { format } = store;
  const narrow = useNarrow();
  const [rejects, setRejects] = useState<readonly Reject[] | undefined>(undefined);
  const [headers, setHeaders] = useState<readonly string[]>([]);
  const [edits, setEdits] = useState(NO_EDITS);
  const [code, setCode] = useState("");
  const [onlyErrors, setOnlyErrors] = useState(false);
  const [onlyFaulty, setOnlyFaulty] = useState(false);
  const [sent, setSent] = useState<number | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [outcome, setOutcome] = useState("");

  const load = async (): Promise<void> => {
    try {
      const all: Reject[] = [];
      let total = Infinity;
      while (all.length < Math.min(total, MOST_ROWS)) {
        const page = await store.client.rejects(one.id, all.length, PAGE);
        all.push(...page.rejects);
        total = page.rejects.length === 0 ? all.length : page.total;
        setHeaders(page.headers.map((header) => header ?? ""));
      }
      setRejects(all);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  useEffect(() => void load(), [one.id]);

  const rows = toRows(rejects ?? [], headers);
  const byNumber = new Map(rows.map((row) => [row.row, row]));
  const before = ({ row, column }: Place): string => byNumber.get(row)?.cells[column] ?? "";
  const change = (changes: readonly Change[]): void => setEdits((edits) => edit(edits, changes, before));
  const typed = (change: Change): void => setEdits((edits) => type(edits, change, before));
  const shown = rows.filter(
    ({ row, reject }) => (code === "" || reject.code === code) && !(onlyErrors && edits.now.has(row)),
  );
  const changed = edits.now.size;

  const send = async (): Promise<void> => {
    setProblem(undefined);
    const repaired = toSend(rows, edits.now);
    let inserted = 0;
    const still: Reject[] = [];
    setSent(0);
    try {
      for (let from = 0; from < repaired.length; from += SENT_ROWS) {
        const part = repaired.slice(from, from + SENT_ROWS);
        const answer = await store.client.repair(one.id, part);
        inserted += answer.inserted + answer.updated;
        still.push(...answer.rejects);
        setEdits((edits) =>
          forget(
            edits,
            part.map(({ row }) => row),
          ),
        );
        setSent((from + part.length) / repaired.length);
      }
    } catch (error) {
      setProblem(asProblem(error));
    }
    setSent(undefined);
    const said = outcomeOf(inserted, still.length, format.counted.bind(format));
    setOutcome(said);
    store.say(said);
    await load();
    await onRepaired();
    store.emit("sluice-repair", await store.client.import(one.id));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    // In a field, Ctrl+Z is the field's own.
    if (!(event.ctrlKey || event.metaKey) || event.composedPath()[0] instanceof HTMLInputElement) return;
    const key = event.key.toLowerCase();
    if (key === "y" || (key === "z" && event.shiftKey)) setEdits(redo);
    else if (key === "z") setEdits(undo);
    else return;
    event.preventDefault();
  };

  return (
    <section class="repair" aria-labelledby="repair-title" onKeyDown={onKeyDown}>
      <div class="title-line">
        <h2 id="repair-title">{format.counted(one.rejected, "row")} to repair</h2>
        <RejectFiles import={one} />
      </div>
      <p class="muted">
        Change the cells that are marked, and import the rows again from here. You can also download the rows, repair
        them in a spreadsheet, and import that file.
      </p>
      {outcome !== "" && <Notice kind={problem ? "info" : "good"}>{outcome}</Notice>}
      {problem && <Notice kind="error">{problem.message}</Notice>}
      {!rejects && !problem && <p class="empty">Loading …</p>}
      {rejects && (
        <>
          <Reasons rows={rows} chosen={code} onChoose={setCode} />
          <div class="tools">
            <label class="check">
              <input
                type="checkbox"
                checked={onlyErrors}
                onChange={(event) => setOnlyErrors(event.currentTarget.checked)}
              />
              Only rows that still have errors
            </label>
            {!narrow && (
              <label class="check">
                <input
                  type="checkbox"
                  checked={onlyFaulty}
                  onChange={(event) => setOnlyFaulty(event.currentTarget.checked)}
                />
                Only columns with errors
              </label>
            )}
            <span class="spring" />
            <button
              type="button"
              disabled={edits.past.length === 0}
              aria-keyshortcuts="Control+Z"
              onClick={() => setEdits(undo)}
            >
              <Icon name="undo" size={16} />
              Undo
            </button>
            <button
              type="button"
              disabled={edits.future.length === 0}
              aria-keyshortcuts="Control+Y"
              onClick={() => setEdits(redo)}
            >
              <Icon name="redo" size={16} />
              Redo
            </button>
          </div>
          <FindReplace
            rows={shown}
            changed={edits.now}
            onReplace={(search: Search, by: string) => change(replaceAll(shown, edits.now, search, by))}
          />
          {narrow ? (
            <RejectCards rows={shown} headers={headers} changed={edits.now} onType={typed} />
          ) : (
            <RejectGrid rows={shown} headers={headers} changed={edits.now} onChange={change} onlyFaulty={onlyFaulty} />
          )}
          {one.rejected > rejects.length && (
            <p class="muted">
              The first {format.count(rejects.length)} of {format.count(one.rejected)} are here. The files have all of
              them.
            </p>
          )}
          <div class="send">
            {sent !== undefined && <Progress fraction={sent} label="Importing the repaired rows" />}
            <button
              type="button"
              class="primary"
              disabled={changed === 0 || sent !== undefined}
              onClick={() => void send()}
            >
              {changed === 0 ? (
                "Change a row to import it again"
              ) : (
                <span>
                  Import {format.counted(changed, "changed row")} into <Data>{one.table}</Data>
                </span>
              )}
            </button>
          </div>
        </>
      )}
    </section>
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

function outcomeOf(
  inserted: number,
  still: number,
  counted: (n: number, one: string, many?: string) => string,
): string {
  const went = `${counted(inserted, "row")} went in.`;
  if (still === 0) return went;
  return `${went} ${counted(still, "row is", "rows are")} still refused; the reason is the new one.`;
}
