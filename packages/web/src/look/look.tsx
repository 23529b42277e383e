// The look before the import: what is in the file, how it is read, and what would be written to
// which table. Nothing is written yet.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Job } from "../state/job.ts";
import type { SheetPreview } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { useStore } from "../ui/context.ts";
import { Data, Notice, Progress, Title, useNarrow } from "../ui/parts.tsx";
import { AllSheets } from "./all-sheets.tsx";
import { ColumnList } from "./column-list.tsx";
import { ColumnPanel } from "./column-panel.tsx";
import { Advanced } from "./advanced.tsx";
import { FileStrip } from "./file-strip.tsx";
import { ImportBar } from "./import-bar.tsx";
import { KeptOffer } from "./kept-offer.tsx";
import { SheetGrid } from "./sheet-grid.tsx";
import { SheetProblem } from "./sheet-problem.tsx";
import { SheetTabs } from "./sheet-tabs.tsx";
import { Summary } from "./summary.tsx";
import { ABOUT_TABLE, HeaderField, OtherTable, TableField } from "./target-fields.tsx";

export function Look({ jobKey }: { readonly jobKey: string }): JSX.Element {
  const store = useStore();
  const job = store.job(jobKey);
  if (!job) return <Missing />;
  const sheet = job.sheet.value;
  return (
    <section class="look">
      <FileStrip current={job} />
      <Title>
        <Data>{job.name}</Data>
      </Title>
      {sheet ? <Ready job={job} sheet={sheet} /> : <OnItsWay job={job} />}
    </section>
  );
}

/** A reload in another tab, or a link that somebody sent: the file was never here. */
function Missing(): JSX.Element {
  const store = useStore();
  return (
    <section class="look">
      <Title>The file is not here any more</Title>
      <p class="lead">
        Files are kept until they are imported, or until this tab is closed. Choose the file again to go on.
      </p>
      <button type="button" class="primary" onClick={() => store.go({ view: "choose" })}>
        Choose a file
      </button>
    </section>
  );
}

function OnItsWay({ job }: { readonly job: Job }): JSX.Element {
  const store = useStore();
  const problem = job.problem.value;
  const stage = job.stage.value;
  if (stage === "failed" && problem)
    return (
      <Notice
        kind="error"
        actions={
          <>
            <button type="button" onClick={() => void job.look()}>
              Try again
            </button>
            <button
              type="button"
              onClick={() => {
                store.drop(job);
                store.go({ view: "choose" });
              }}
            >
              Choose another file
            </button>
          </>
        }
      >
        <Data>{messageForPage(problem.message, job.name)}</Data>
        {job.goesOn && <p>As soon as it is back, the file is sent again by itself.</p>}
        {ABOUT_TABLE.has(problem.code) && <OtherTable job={job} />}
      </Notice>
    );
  const { bytes, percent } = store.format;
  const sending = stage === "sending";
  return (
    <div class="card way">
      <p>
        {sending
          ? `Sending: ${percent.call(store.format, job.sent.value)} of ${bytes.call(store.format, job.size)}`
          : "Reading the file …"}
      </p>
      <Progress
        fraction={sending ? job.sent.value : undefined}
        label={sending ? "Sending the file" : "Reading the file"}
      />
      <button
        type="button"
        onClick={() => {
          store.drop(job);
          store.go({ view: "choose" });
        }}
      >
        Cancel
      </button>
    </div>
  );
}

function Ready({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element {
  const narrow = useNarrow();
  const [selected, setSelected] = useState<number | undefined>(undefined);
  const [all, setAll] = useState<readonly SheetPreview[] | undefined>(undefined);
  const column = selected === undefined ? undefined : sheet.columns[selected];
  return (
    <>
      <SheetTabs job={job} sheet={sheet} onOther={() => setSelected(undefined)} />
      <AllSheets job={job} found={all} onFound={setAll} />
      <KeptOffer job={job} sheet={sheet} />
      <div class="targets">
        <TableField job={job} sheet={sheet} />
        <HeaderField job={job} sheet={sheet} />
      </div>
      <SheetProblem job={job} sheet={sheet} />
      {narrow ? (
        <>
          <Summary job={job} sheet={sheet} />
          <ColumnList job={job} sheet={sheet} />
        </>
      ) : (
        <div class="look-main">
          <SheetGrid job={job} sheet={sheet} selected={selected} onSelect={setSelected} />
          {column ? (
            <ColumnPanel
              key={column.letter}
              job={job}
              sheet={sheet}
              column={column}
              onClose={() => setSelected(undefined)}
            />
          ) : (
            <Summary job={job} sheet={sheet} />
          )}
        </div>
      )}
      <Advanced job={job} sheet={sheet} />
      {/* One button begins an import at a time. */}
      {!all && <ImportBar job={job} sheet={sheet} />}
    </>
  );
}
