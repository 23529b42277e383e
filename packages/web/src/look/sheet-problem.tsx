// Why a sheet cannot be imported as it is read now, with what to do about it.
import type { JSX } from "preact";
import type { SheetPreview } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { chooseColumn, chooseOption, keyOf, type Choices } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Notice } from "../ui/parts.tsx";
import { ABOUT_TABLE } from "./target-fields.tsx";

interface SheetProblemProps {
  readonly job: Job;
  readonly sheet: SheetPreview;
}

export function SheetProblem({ job, sheet }: SheetProblemProps): JSX.Element | null {
  const refused = job.problem.value;
  const problem = refused ?? sheet.error;
  if (!problem || ABOUT_TABLE.has(problem.code) || problem.code === "cancelled") return null;
  return (
    <Notice kind="error" actions={<Ways job={job} sheet={sheet} code={problem.code} />}>
      <Data>{messageForPage(problem.message, job.name)}</Data>
    </Notice>
  );
}

interface WaysProps extends SheetProblemProps {
  readonly code: string;
}

function Ways(props: WaysProps): JSX.Element | null {
  const { job, code } = props;
  if (code === "missing_column" || code === "no_columns") return <ColumnWays {...props} />;
  if (code === "imported_already" || code === "unfinished_import" || code === "import_running")
    return <EarlierImportWays {...props} />;
  if (job.problem.value === undefined || job.problem.value.status === 401) return null;
  if (job.problem.value.status === 0)
    return (
      <button type="button" onClick={() => void job.look()}>
        Try again
      </button>
    );
  const { sheet } = job.choices.value;
  return (
    <button type="button" onClick={() => job.choose({ columns: {}, options: {}, ...(sheet ? { sheet } : {}) })}>
      Take back all choices
    </button>
  );
}

/** The table lacks columns of the sheet. */
function ColumnWays({ job, sheet, code }: WaysProps): JSX.Element {
  const choices = job.choices.value;
  const unknown = sheet.columns.filter(({ column, header }) => column === null && header !== "");
  const without = (): Choices =>
    unknown.reduce((all, column) => chooseColumn(all, keyOf(column), { out: true }), choices);
  return (
    <>
      <button type="button" onClick={() => job.choose(chooseOption(choices, "migrate", "true"))}>
        Add the missing columns to the table
      </button>
      {code === "missing_column" && (
        <button type="button" onClick={() => job.choose(without())}>
          Leave them out
        </button>
      )}
    </>
  );
}

/** Another import of the file is done, not finished, or running. */
function EarlierImportWays({ job, code }: WaysProps): JSX.Element {
  const store = useStore();
  const choices = job.choices.value;
  const earlier = job.problem.value?.more["import"];
  const option = code === "imported_already" ? ["again", "true"] : ["resume", "never"];
  return (
    <>
      {typeof earlier === "string" && (
        <button type="button" onClick={() => store.go({ view: "import", id: earlier })}>
          Show that import
        </button>
      )}
      {code !== "import_running" && (
        <button
          type="button"
          onClick={() => {
            job.choices.value = chooseOption(choices, option[0]!, option[1]!);
            void store.begin(job);
          }}
        >
          Import it all the same
        </button>
      )}
    </>
  );
}
