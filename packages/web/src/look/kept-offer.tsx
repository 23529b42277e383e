// What was chosen for an earlier file with the same headers, offered again.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SheetPreview } from "../api/shapes.ts";
import { isWorthKeeping } from "../state/choices.ts";
import type { Job } from "../state/job.ts";
import { findKept } from "../state/kept.ts";
import { useStore } from "../ui/context.ts";
import { Data, Notice } from "../ui/parts.tsx";

export function KeptOffer({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element | null {
  const store = useStore();
  const [answered, setAnswered] = useState(false);
  const kept = findKept(sheet);
  const { sheet: _, ...chosen } = job.choices.value;
  // Somebody who has begun to choose has answered.
  if (!kept || answered || isWorthKeeping(chosen)) return null;
  return (
    <Notice
      kind="info"
      actions={
        <>
          <button
            type="button"
            onClick={() => {
              setAnswered(true);
              job.choose({ ...kept.choices, ...(job.choices.value.sheet ? { sheet: job.choices.value.sheet } : {}) });
            }}
          >
            Use those choices
          </button>
          <button type="button" class="quiet" onClick={() => setAnswered(true)}>
            No, thanks
          </button>
        </>
      }
    >
      You imported a file with the same headers {store.format.ago(new Date(kept.at).toISOString())}:{" "}
      <Data>{kept.file}</Data>
      {kept.choices.table && (
        <>
          , into the table <Data>{kept.choices.table}</Data>
        </>
      )}
      .
    </Notice>
  );
}
