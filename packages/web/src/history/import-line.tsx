// One import as a line: its file, its table, what happened, and when.
import type { ComponentChildren, JSX } from "preact";
import type { Import } from "../api/shapes.ts";
import { messageForPage } from "../format/notes.ts";
import { toHash } from "../state/route.ts";
import { useStore } from "../ui/context.ts";
import { Data } from "../ui/parts.tsx";

/** States as people call them. */
const STATES: Readonly<Record<Import["state"], string>> = {
  queued: "Waiting",
  running: "Running",
  finished: "Finished",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted",
};

interface ImportLineProps {
  readonly import: Import;
  /** The reason why it failed is shown too. */
  readonly why?: boolean;
  readonly actions?: ComponentChildren;
}

export function ImportLine(props: ImportLineProps): JSX.Element {
  const store = useStore();
  const { id, file, table, sheet, createdAt, error, retry } = props.import;
  const reason = props.why ? (error?.message ?? retry?.reason) : undefined;
  const to = { view: "import", id } as const;
  return (
    <li class="import-line">
      <a
        class="import-link"
        href={toHash(to)}
        onClick={(event) => {
          event.preventDefault();
          store.go(to);
        }}
      >
        <span class="import-names">
          <strong>
            <Data>{file}</Data>
          </strong>
          <span class="muted">
            {sheet && (
              <>
                <Data>{sheet}</Data> ·{" "}
              </>
            )}
            into <Data>{table}</Data>
          </span>
          {reason !== undefined && (
            <span class="bad">
              <Data>{messageForPage(reason, file)}</Data>
            </span>
          )}
        </span>
        <span class="import-counts">{countsOf(props.import, store.format.count.bind(store.format))}</span>
        <State import={props.import} />
        <time class="muted" dateTime={createdAt} title={store.format.date(createdAt)}>
          {store.format.ago(createdAt)}
        </time>
      </a>
      {props.actions}
    </li>
  );
}

/** The state in a word. That nothing was put in twice is no failure. */
export function State({ import: { state, rejected, error, takenBack } }: { readonly import: Import }): JSX.Element {
  if (takenBack !== null) return <span class="state">Taken back</span>;
  if (error?.code === "imported_already") return <span class="state">In before</span>;
  const partly = state === "finished" && rejected > 0;
  return <span class={`state ${state}${partly ? " partly" : ""}`}>{STATES[state]}</span>;
}

function countsOf({ inserted, updated, rejected }: Import, count: (n: number) => string): JSX.Element {
  return (
    <>
      <span>{count(inserted + updated)} in</span>
      {rejected > 0 && <span class="bad">{count(rejected)} rejected</span>}
    </>
  );
}
