// What can be undone of an import that is over: its rows are taken back, or it is deleted from the
// history.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Import, TakingBack } from "../api/shapes.ts";
import { Forget } from "../history/forget.tsx";
import { messageForPage } from "../format/notes.ts";
import { asProblem } from "../state/job.ts";
import { Confirm } from "../ui/confirm.tsx";
import { useStore } from "../ui/context.ts";
import { Data, Notice } from "../ui/parts.tsx";

interface UndoProps {
  readonly import: Import;
  readonly onChanged: () => Promise<void>;
}

export function Undo({ import: one, onChanged }: UndoProps): JSX.Element {
  const store = useStore();
  const mayTake = one.inserted > 0 && !one.dryRun && (one.state === "finished" || one.state === "cancelled");
  const forget = (
    <Forget
      import={one}
      onGone={() => store.go(store.settings.history ? { view: "history", query: "" } : { view: "choose" })}
    />
  );
  if (!mayTake) return <div>{forget}</div>;
  return (
    <details class="folded-one undo">
      <summary>Take back or delete</summary>
      <div>
        <TakeBack import={one} onChanged={onChanged} />
        {forget}
      </div>
    </details>
  );
}

function TakeBack({ import: one, onChanged }: UndoProps): JSX.Element {
  const store = useStore();
  const [found, setFound] = useState<TakingBack | undefined>(undefined);
  const [refused, setRefused] = useState("");
  const [looking, setLooking] = useState(false);
  const look = async (): Promise<void> => {
    setLooking(true);
    setRefused("");
    try {
      setFound(await store.client.takingBack(one.id));
    } catch (error) {
      setRefused(messageForPage(asProblem(error).message, one.file));
    } finally {
      setLooking(false);
    }
  };
  const take = async (): Promise<void> => {
    await store.client.takeBack(one.id);
    await onChanged();
    store.say("The rows were taken back.");
  };
  if (!found)
    return (
      <>
        <button type="button" disabled={looking} onClick={() => void look()}>
          {looking ? "Looking …" : "Take the rows back …"}
        </button>
        {refused !== "" && (
          <Notice kind="error">
            <Data>{refused}</Data>
          </Notice>
        )}
      </>
    );
  const rows = store.format.counted(found.rows, "row");
  return (
    <Confirm
      label="Take the rows of this import back"
      yes={`Take ${rows} back`}
      no="Keep them"
      onYes={() => take().catch((error: unknown) => messageForPage(asProblem(error).message, one.file))}
      onNo={() => setFound(undefined)}
    >
      <p>
        The {rows} of this import are in the table <Data>{found.table}</Data> as the import wrote{" "}
        {found.rows === 1 ? "it" : "them"}. They are deleted from it, and no other row. You can import the same file
        again then.
      </p>
      {found.notes.map((note) => (
        <p key={note}>
          <Data>{messageForPage(note, "")}.</Data>
        </p>
      ))}
    </Confirm>
  );
}
