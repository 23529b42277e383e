// What an import has done: counts first, then what is left to repair, then the table itself.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Import } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { chooseOption } from "../state/choices.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon, Lines, Notice, Title } from "../ui/parts.tsx";
import { FirstRows } from "./first-rows.tsx";
import { Repair } from "./repair.tsx";
import { Elsewhere } from "./elsewhere.tsx";
import { Siblings } from "./siblings.tsx";
import { Undo } from "./undo.tsx";

interface ResultViewProps {
  readonly import: Import;
  /** The counts have changed. */
  readonly onChanged: () => Promise<void>;
  readonly onResume: () => Promise<void>;
}

export function ResultView({ import: one, onChanged, onResume }: ResultViewProps): JSX.Element {
  const store = useStore();
  const { format } = store;
  const changes = store.mending(one.id).ended.value;
  const when = one.finishedAt ?? one.createdAt;
  return (
    <section class="result">
      <Title>{titleOf(one, format.count.bind(format))}</Title>
      <p class="lead">
        <Data>{one.file}</Data>
        {one.sheet && (
          <>
            , <Data>{one.sheet}</Data>,
          </>
        )}{" "}
        into the table <Data>{one.table}</Data>
        <span class="small">
          {" "}
          · <time dateTime={when}>{format.ago(when)}</time>
          {one.milliseconds !== null && ` · ${format.duration(one.milliseconds)}`}
        </span>
      </p>
      <Siblings import={one} />
      <Stopped import={one} onResume={onResume} />
      {one.total > 0 && <Counts import={one} />}
      <Assumed import={one} />
      <Elsewhere import={one} />
      {one.repairable && <Repair import={one} />}
      {one.rejected === 0 && changes > 0 && (
        <Notice kind="good">Every row is in the table now. There is nothing left to repair.</Notice>
      )}
      <FirstRows key={changes} import={one} />
      <Next import={one} />
      {!one.dryRun && <Undo key={one.takenBack} import={one} onChanged={onChanged} />}
    </section>
  );
}

function titleOf(
  { state, error, dryRun, total, inserted, updated, skipped, rejected, takenBack }: Import,
  count: (n: number) => string,
): string {
  const rows = inserted + updated;
  if (error?.code === "imported_already") return "These rows are in the table already";
  if (takenBack !== null)
    return takenBack === 1 ? "The row was taken back" : `${count(takenBack)} rows were taken back`;
  if (state !== "finished") return state === "failed" ? "The import failed" : `The import was ${state}`;
  if (dryRun) return `A trial: ${count(rows)} of ${count(total)} rows would go in`;
  if (rejected === 0 && skipped === 0) return rows === 1 ? "The row is in" : `All ${count(rows)} rows are in`;
  return rows === 0 ? "No row went in" : `${count(rows)} of ${count(total)} rows are in`;
}

/** The reason why an import has stopped, and how to continue it. */
function Stopped({
  import: one,
  onResume,
}: {
  readonly import: Import;
  readonly onResume: () => Promise<void>;
}): JSX.Element | null {
  const store = useStore();
  const [refused, setRefused] = useState("");
  if (one.takenBack !== null)
    return (
      <Notice kind="info">
        <p>None of its rows is in the table any more. You can import the same file again.</p>
      </Notice>
    );
  if (one.state === "finished") return null;
  const resume = (): void => void onResume().catch((error: unknown) => setRefused(asProblem(error).message));
  const rows = one.inserted + one.updated;
  const stays =
    rows > 0 ? `${store.format.counted(rows, "row")} went in before, and stay in the table. ` : "Nothing was written. ";
  const { resumable } = one;
  if (one.error?.code === "imported_already") return <Already import={one} earlier={one.error.import} />;
  return (
    <Notice
      kind={one.state === "failed" ? "error" : "info"}
      actions={
        resumable && (
          <button type="button" class="primary" onClick={resume}>
            Resume
          </button>
        )
      }
    >
      {one.error && (
        <p>
          <Data>{messageForPage(one.error.message, one.file)}</Data>
        </p>
      )}
      <p>
        {stays}
        {resumable && "Resuming continues after the last row that is in: no row goes in twice."}
      </p>
      {refused !== "" && <p class="bad">{refused}</p>}
    </Notice>
  );
}

/** The same rows were put in before: nothing was written now, and somebody decides. */
function Already({
  import: one,
  earlier,
}: {
  readonly import: Import;
  readonly earlier: string | undefined;
}): JSX.Element {
  const store = useStore();
  const [refused, setRefused] = useState("");
  const job = store.jobOf(one.id);
  const again = async (): Promise<void> => {
    if (!job) return;
    job.choices.value = chooseOption(job.choices.value, "again", "true");
    setRefused((await store.begin(job))?.message ?? "");
  };
  return (
    <Notice
      kind="info"
      actions={
        <>
          {earlier !== undefined && (
            <button type="button" class="primary" onClick={() => store.go({ view: "import", id: earlier })}>
              Show that import
            </button>
          )}
          {job && (
            <button type="button" onClick={() => void again()}>
              Import the rows once more
            </button>
          )}
        </>
      }
    >
      <p>The same rows went into this table before. Nothing was written now, so that they are not in it twice.</p>
      {refused !== "" && <p class="bad">{refused}</p>}
    </Notice>
  );
}

function Counts({ import: one }: { readonly import: Import }): JSX.Element {
  const { format } = useStore();
  const { inserted, updated, skipped, rejected } = one;
  const counts = [
    { name: "Inserted", n: inserted, kind: "good" },
    { name: "Updated", n: updated, kind: "good" },
    { name: "Left out", n: skipped, kind: "neutral" },
    { name: "Rejected", n: rejected, kind: "bad" },
  ].filter(({ name, n }) => n > 0 || name === "Inserted" || name === "Rejected");
  return (
    <div class="card counts">
      <dl>
        {counts.map(({ name, n, kind }) => (
          <div key={name} class={n === 0 ? "none" : kind}>
            <dt>{name}</dt>
            <dd>{format.count(n)}</dd>
          </div>
        ))}
      </dl>
      <div class="share" aria-hidden="true">
        {counts.map(({ name, n, kind }) => n > 0 && <span key={name} class={kind} style={{ flexGrow: n }} />)}
      </div>
    </div>
  );
}

const SHOWN_LINES = 4;

function Assumed({ import: one }: { readonly import: Import }): JSX.Element | null {
  const lines = [...new Set([...one.notes, ...one.assumptions.map(({ about, said }) => `${about}: ${said}`)])];
  if (lines.length === 0) return null;
  return (
    <details class="folded-one">
      <summary>What was assumed ({lines.length})</summary>
      <Lines lines={lines} shown={SHOWN_LINES} />
    </details>
  );
}

function Next({ import: one }: { readonly import: Import }): JSX.Element {
  const store = useStore();
  const job = store.jobOf(one.id);
  const sheets = job?.preview.value?.sheets.length ?? 0;
  const waiting = store.jobs.value.find((job) => job.stage.value === "ready");
  return (
    <div class="next">
      {waiting && (
        <button type="button" class="primary" onClick={() => store.go({ view: "look", key: waiting.key })}>
          <span>
            Next file: <Data>{waiting.name}</Data>
          </span>
          <Icon name="arrow" size={18} />
        </button>
      )}
      <button
        type="button"
        class={waiting || one.rejected > 0 || one.error ? "" : "primary"}
        onClick={() => store.go({ view: "choose" })}
      >
        Import another file
      </button>
      {job && sheets > 1 && (
        <button
          type="button"
          onClick={() => {
            job.stage.value = "ready";
            store.go({ view: "look", key: job.key });
          }}
        >
          Another sheet of this file
        </button>
      )}
    </div>
  );
}
