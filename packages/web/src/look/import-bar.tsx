// The button that begins the import, always in sight, with what it will do.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { SheetPreview } from "../api/shapes.ts";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon } from "../ui/parts.tsx";

export function ImportBar({ job, sheet }: { readonly job: Job; readonly sheet: SheetPreview }): JSX.Element {
  const store = useStore();
  const [busy, setBusy] = useState(false);
  const { count, counted } = store.format;
  const rejected = sheet.rejects.total;
  const fit = sheet.records - rejected;
  const begin = async (): Promise<void> => {
    setBusy(true);
    const problem = await store.begin(job);
    if (!problem) return;
    setBusy(false);
    store.say(problem.message);
  };
  const blocked = sheet.error !== null || job.problem.value !== undefined || job.looking.value;
  return (
    <div class="import-bar">
      <p class="muted">
        {rejected > 0 ? (
          <>
            <span class="bad">
              {counted.call(store.format, rejected, "row does", "rows do")} not fit
              {sheet.complete ? "" : ` of the first ${count.call(store.format, sheet.records)}`}.
            </span>{" "}
            You can repair {rejected === 1 ? "it" : "them"} after the import.
          </>
        ) : sheet.complete ? (
          "Every row fits."
        ) : (
          `The first ${count.call(store.format, sheet.records)} rows fit.`
        )}
      </p>
      <button type="button" class="primary" disabled={busy || blocked} onClick={() => void begin()}>
        {busy ? (
          "Beginning …"
        ) : (
          <span>
            {sheet.complete ? `Import ${counted.call(store.format, fit, "row")} into` : "Import all rows into"}{" "}
            <Data>{sheet.table}</Data>
          </span>
        )}
        <Icon name="arrow" size={18} />
      </button>
    </div>
  );
}
