// The files of this visit that are still to be imported, if there are several.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Job } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Icon } from "../ui/parts.tsx";

export function FileStrip({ current }: { readonly current: Job }): JSX.Element | null {
  const store = useStore();
  const [busy, setBusy] = useState(false);
  const jobs = store.jobs.value.filter((job) => job.stage.value !== "imported");
  if (jobs.length < 2) return null;
  const ready = jobs.every((job) => job.stage.value === "ready" && job.sheet.value?.error === null);
  const all = async (): Promise<void> => {
    setBusy(true);
    for (const job of jobs) {
      const problem = await store.begin(job, { stay: true });
      // The first one that is refused is what somebody has to look at.
      if (problem) {
        setBusy(false);
        return store.go({ view: "look", key: job.key });
      }
    }
    store.go({ view: "history", query: "" });
  };
  return (
    <nav class="strip" aria-label="Files">
      {jobs.map((job) => (
        <a
          key={job.key}
          href={`#/look/${job.key}`}
          aria-current={job === current ? "true" : undefined}
          onClick={(event) => {
            event.preventDefault();
            store.go({ view: "look", key: job.key });
          }}
        >
          <Icon name={job.problem.value || job.sheet.value?.error ? "warning" : "file"} size={16} />
          <Data>{job.name}</Data>
        </a>
      ))}
      <button type="button" class="link" disabled={!ready || busy} onClick={() => void all()}>
        Import all {store.format.count(jobs.length)} as they are
      </button>
    </nav>
  );
}
