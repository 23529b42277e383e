// A running import: how far it is, what each stage does, and how fast rows go in.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Import, Progress as ProgressEvent } from "../api/shapes.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Data, Notice, Progress, Title } from "../ui/parts.tsx";
import { Pipeline } from "./pipeline.tsx";
import { SpeedChart } from "./speed-chart.tsx";
import type { Speed } from "./speed.ts";

interface RunViewProps {
  readonly import: Import;
  readonly progress: ProgressEvent | undefined;
  readonly speed: Speed;
  /** The connection is lost, and is tried again. */
  readonly lost: boolean;
}

export function RunView({ import: one, progress, speed, lost }: RunViewProps): JSX.Element {
  const store = useStore();
  const [asked, setAsked] = useState(false);
  const [refused, setRefused] = useState("");
  const queued = (progress?.state ?? one.state) === "queued";
  const cancel = async (): Promise<void> => {
    setAsked(true);
    try {
      await store.client.cancel(one.id);
    } catch (error) {
      setAsked(false);
      setRefused(asProblem(error).message);
    }
  };
  return (
    <section class="run">
      <div class="title-line">
        <Title>
          {queued ? "Waiting: " : "Importing "}
          <Data>{one.file}</Data>
        </Title>
        <button type="button" disabled={asked} onClick={() => void cancel()}>
          {asked ? "Stopping …" : "Cancel"}
        </button>
      </div>
      <p class="lead">
        {one.sheet && (
          <>
            <Data>{one.sheet}</Data>{" "}
          </>
        )}
        into the table <Data>{one.table}</Data>
      </p>
      {lost && <Notice kind="info">The connection is lost, and is tried again. The import does not need it.</Notice>}
      {refused !== "" && <Notice kind="error">{refused}</Notice>}
      <HowFar import={one} progress={progress} queued={queued} />
      {progress && !queued && (
        <>
          <Pipeline progress={progress} />
          <SpeedChart speed={speed} now={progress.rate} />
        </>
      )}
      <p class="muted">You can close this page: the import continues without it. You find it again in the history.</p>
    </section>
  );
}

type HowFarProps = Pick<RunViewProps, "import" | "progress"> & { readonly queued: boolean };

/** The part that is done, the rows, and the time that is left. */
function HowFar({ import: one, progress, queued }: HowFarProps): JSX.Element {
  const { format } = useStore();
  const counts = progress ?? one;
  const done = counts.inserted + counts.updated + counts.skipped + counts.rejected;
  return (
    <div class="card going">
      <div class="going-line">
        <strong class="percent">
          {queued ? "Waiting for its turn" : whatNow(progress, format.percent.bind(format))}
        </strong>
        <span class="muted">
          {format.counted(done, "row")} done
          {typeof progress?.etaSeconds === "number" && ` · ${format.duration(progress.etaSeconds * 1000)} left`}
        </span>
      </div>
      <Progress fraction={progress?.fraction ?? 0} label={`Importing ${one.file}`} />
      {counts.rejected > 0 && <p class="bad">{format.counted(counts.rejected, "row")} rejected so far</p>}
    </div>
  );
}

/** The words for what is being done: rows go in, or, when all are in, indexes are built. */
function whatNow(progress: ProgressEvent | undefined, percent: (fraction: number) => string): string {
  return progress?.phase === "indexes" ? "All rows are in. Building indexes" : percent(progress?.fraction ?? 0);
}
