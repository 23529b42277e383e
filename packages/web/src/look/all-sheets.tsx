// All sheets of a workbook in one go: which table each of them would go into, shown before anything
// is written.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SheetPreview } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { asProblem, type Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon, Notice } from "../ui/parts.tsx";

interface AllSheetsProps {
  readonly job: Job;
  /** The preview of an import of all sheets, while that is shown. */
  readonly found: readonly SheetPreview[] | undefined;
  readonly onFound: (found: readonly SheetPreview[] | undefined) => void;
}

export function AllSheets({ job, found, onFound }: AllSheetsProps): JSX.Element | null {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const sheets = job.preview.value?.sheets.length ?? 0;
  if (sheets < 2) return null;
  const look = async (): Promise<void> => {
    setBusy(true);
    setWrong("");
    try {
      onFound(await job.lookAtAll());
    } catch (error) {
      setWrong(messageForPage(asProblem(error).message, job.name));
    } finally {
      setBusy(false);
    }
  };
  if (found) return <Found job={job} sheets={found} onClose={() => onFound(undefined)} />;
  return (
    <>
      <button type="button" class="link all-sheets" disabled={busy} onClick={() => void look()}>
        {busy ? "Looking at all sheets …" : "Import all sheets …"}
      </button>
      {wrong !== "" && (
        <Notice kind="error">
          <Data>{wrong}</Data>
        </Notice>
      )}
    </>
  );
}

interface FoundProps {
  readonly job: Job;
  readonly sheets: readonly SheetPreview[];
  readonly onClose: () => void;
}

function Found({ job, sheets, onClose }: FoundProps): JSX.Element {
  const store = useStore();
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState("");
  const { count } = store.format;
  const begin = async (): Promise<void> => {
    setBusy(true);
    const problem = await store.begin(job, { all: true });
    if (!problem) return;
    setBusy(false);
    setRefused(messageForPage(problem.message, job.name));
  };
  const chosen = Object.keys(job.choices.value.columns).length > 0 || job.choices.value.header !== undefined;
  return (
    <section class="card all-sheets" aria-labelledby="all-sheets-title">
      <h2 id="all-sheets-title">All sheets</h2>
      <ul class="lines">
        {sheets.map((one) => (
          <SheetLine key={one.sheet} sheet={one} file={job.name} />
        ))}
      </ul>
      {chosen && <p class="muted">The header and the columns that you chose for one sheet do not count here.</p>}
      {refused !== "" && (
        <Notice kind="error">
          <Data>{refused}</Data>
        </Notice>
      )}
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={busy || sheets.some(({ error }) => error !== null)}
          onClick={() => void begin()}
        >
          {busy ? "Beginning …" : `Import all ${count.call(store.format, sheets.length)} sheets`}
          <Icon name="arrow" size={18} />
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          Only one of them
        </button>
      </div>
    </section>
  );
}

/** A sheet with its rows and its table, or with the reason why it cannot be imported. */
function SheetLine({ sheet, file }: { readonly sheet: SheetPreview; readonly file: string }): JSX.Element {
  const store = useStore();
  const { counted } = store.format;
  return (
    <li>
      <strong>
        <Data>{sheet.sheet}</Data>
      </strong>{" "}
      {sheet.error ? (
        <span class="bad">
          <Data>{messageForPage(sheet.error.message, file)}</Data>
        </span>
      ) : (
        <>
          {counted.call(store.format, sheet.records, "row")}
          {!sheet.complete && " and more"} into <Data>{sheet.table}</Data>
          {sheet.exists ? "" : ", a new table"}
          {sheet.rejects.total > 0 && (
            <span class="bad"> · {counted.call(store.format, sheet.rejects.total, "row does", "rows do")} not fit</span>
          )}
        </>
      )}
    </li>
  );
}
