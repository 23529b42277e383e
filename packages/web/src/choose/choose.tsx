// The first view: choose files, drop them, or paste cells. Below it, what is going on and what was
// done last.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Import } from "../api/shapes.ts";
import { ImportLine } from "../history/import-line.tsx";
import { useStore } from "../ui/context.ts";
import { Data, Icon, Title } from "../ui/parts.tsx";
import { filesOf } from "./paste.ts";

/** The formats, for the dialog that chooses files. The service looks at the content. */
const ACCEPTED = ".xlsx,.xlsm,.xlsb,.xls,.ods,.fods,.csv,.tsv,.txt,.xml,.html,.htm";
const RECENT = 3;

export function Choose(): JSX.Element {
  const store = useStore();
  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      // In a field, paste is what it always is.
      if (event.composedPath()[0] instanceof HTMLInputElement) return;
      const files = filesOf(event.clipboardData);
      if (files.length > 0) store.take(files);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [store]);
  const { table } = store.settings;
  return (
    <section class="choose">
      <Title>From a spreadsheet to a table</Title>
      <p class="lead">
        Choose a file. You see what is in it, and can change how it is read, before anything is written
        {table !== undefined && (
          <>
            {" "}
            to the table <Data>{table}</Data>
          </>
        )}
        .
      </p>
      <DropField />
      <Waiting />
      {store.settings.history && <Recent />}
    </section>
  );
}

/** The field that takes files, from the dialog or dropped on it. */
function DropField(): JSX.Element {
  const store = useStore();
  const [over, setOver] = useState(false);
  const { maxFileBytes } = store.about.value ?? {};
  return (
    <label
      class={over ? "drop over" : "drop"}
      onDragEnter={() => setOver(true)}
      onDragLeave={() => setOver(false)}
      onDrop={() => setOver(false)}
    >
      <input
        id="file"
        type="file"
        multiple
        accept={ACCEPTED}
        aria-describedby="file-hint"
        onChange={(event) => {
          store.take([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
      <Icon name="upload" size={32} />
      <span class="drop-text">
        <strong>
          <span class="button-like">Choose files</span> or drop them here
        </strong>
        <span id="file-hint" class="hint">
          Excel, OpenDocument, CSV and other text tables
          {maxFileBytes !== undefined && `, up to ${store.format.bytes(maxFileBytes)} each`}. Cells that you copied can
          be pasted here.
        </span>
      </span>
    </label>
  );
}

/** Files of this visit that were chosen and not imported. */
function Waiting(): JSX.Element | null {
  const store = useStore();
  const jobs = store.jobs.value.filter((job) => job.stage.value !== "imported");
  if (jobs.length === 0) return null;
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">Not imported yet</h2>
      <ul class="files">
        {jobs.map((job) => (
          <li key={job.key}>
            <button type="button" class="file-line" onClick={() => store.go({ view: "look", key: job.key })}>
              <Icon name="file" />
              <Data>{job.name}</Data>
              <span class="muted">{store.format.bytes(job.size)}</span>
            </button>
            <button type="button" class="quiet" aria-label={`Put ${job.name} away`} onClick={() => store.drop(job)}>
              <Icon name="close" size={16} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recent(): JSX.Element | null {
  const store = useStore();
  const [imports, setImports] = useState<readonly Import[]>([]);
  useEffect(() => {
    store.client.list("imports", "").then(
      ({ imports }) => setImports(imports.slice(0, RECENT)),
      () => setImports([]),
    );
  }, [store, store.token.value, store.back.value]);
  if (imports.length === 0) return null;
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">Imported last</h2>
      <ul class="imports">
        {imports.map((one) => (
          <ImportLine key={one.id} import={one} />
        ))}
      </ul>
    </section>
  );
}
