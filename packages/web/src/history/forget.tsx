// Deletes an import from the history, after a question.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Import } from "../api/shapes.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Confirm } from "../ui/confirm.tsx";

const NAME = "Delete from the history";

interface ForgetProps {
  readonly import: Import;
  /**
   * True if it is one of several in a list. The list has little room, and the file tells the
   * imports apart.
   */
  readonly listed?: boolean;
  readonly onGone: () => void;
}

export function Forget({ import: one, listed = false, onGone }: ForgetProps): JSX.Element {
  const store = useStore();
  const [asked, setAsked] = useState(false);
  const forget = async (): Promise<void> => {
    await store.client.forget(one.id);
    store.mending(one.id).drop();
    store.say(`${one.file} is deleted from the history.`);
    onGone();
  };
  if (!asked)
    return (
      <button
        type="button"
        class={listed ? "quiet" : ""}
        aria-label={listed ? `Delete ${one.file}` : undefined}
        onClick={() => setAsked(true)}
      >
        {listed ? "Delete" : NAME}
      </button>
    );
  const { counted } = store.format;
  const rows = one.inserted + one.updated;
  return (
    <Confirm
      label={`Delete ${one.file} from the history`}
      yes={NAME}
      no="Keep it"
      onYes={() => forget().catch((error: unknown) => asProblem(error).message)}
      onNo={() => setAsked(false)}
    >
      <p>
        What is known of this import is deleted
        {one.rejected > 0 && `, with its ${counted.call(store.format, one.rejected, "rejected row")}`}.{" "}
        {rows > 0 && "Its rows stay in the table, and the same file would put them in once more. "}
        {one.resumable && "It cannot be resumed then."}
      </p>
    </Confirm>
  );
}
