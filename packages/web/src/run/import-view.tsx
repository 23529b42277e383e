// One import, wherever it is: it is followed while it runs, and its result is shown after that.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { watch, type Watcher } from "../api/events.ts";
import type { Problem } from "../api/problem.ts";
import type { Import, Progress } from "../api/shapes.ts";
import { ResultView } from "../result/result-view.tsx";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Notice, Title } from "../ui/parts.tsx";
import { RunView } from "./run-view.tsx";
import { NO_SPEED, sped, type Speed } from "./speed.ts";

export function ImportView({ id }: { readonly id: string }): JSX.Element {
  const store = useStore();
  const [known, setKnown] = useState<Import | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const [progress, setProgress] = useState<Progress | undefined>(undefined);
  const [speed, setSpeed] = useState<Speed>(NO_SPEED);
  const [lost, setLost] = useState(false);
  const load = async (): Promise<void> => {
    try {
      const found = await store.client.import(id);
      setKnown(found);
      setProblem(undefined);
      // Others may have repaired the last rows, or taken all of them back.
      if (found.takenBack !== null) store.mending(id).drop();
      else if (!isActive(found) && !found.repairable) store.mending(id).keepOpen(() => false);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 404) store.mending(id).drop();
      setProblem(problem);
    }
  };
  useEffect(() => {
    setProblem(undefined);
    void load();
  }, [id, store.token.value]);
  const goes = known !== undefined && isActive(known);
  const news = store.back.value + store.mending(id).ended.value;
  useEffect(() => {
    // One that runs is followed, and that comes back by itself.
    if (news > 0 && !goes) void load();
  }, [news]);
  useEvents(id, goes, {
    onProgress: (next: Progress): void => {
      setProgress(next);
      setSpeed((speed) => sped(speed, doneOf(next), performance.now()));
    },
    onEnd: (ended: Import): void => {
      setKnown(ended);
      store.emit("sluice-end", ended);
      store.say(endOf(ended, store.format.count.bind(store.format)));
    },
    onLost: setLost,
    onGone: setProblem,
  });
  // What is known is shown while the server is away.
  if (problem && !(known && problem.isAway))
    return <NoImport problem={problem} again={() => (setProblem(undefined), void load())} />;
  if (!known) return <p class="empty">Loading …</p>;
  if (goes) return <RunView import={known} progress={progress} speed={speed} lost={lost} />;
  const resume = async (): Promise<void> => {
    setKnown(await store.client.resume(id));
    setSpeed(NO_SPEED);
    setProgress(undefined);
  };
  return <ResultView import={known} onChanged={load} onResume={resume} />;
}

/** Follows an import while it is active. The watcher of the first call after a change is told. */
function useEvents(id: string, active: boolean, watcher: Watcher): void {
  const store = useStore();
  useEffect(() => {
    if (!active) return undefined;
    const stop = new AbortController();
    void watch(store.client, id, watcher, stop.signal);
    return () => stop.abort();
  }, [id, active, store, store.token.value]);
}

function NoImport({ problem, again }: { readonly problem: Problem; readonly again: () => void }): JSX.Element {
  const store = useStore();
  return (
    <section>
      <Title>{problem.status === 404 ? "There is no such import" : "The import cannot be shown"}</Title>
      <Notice
        kind="error"
        actions={
          <>
            <button type="button" onClick={again}>
              Try again
            </button>
            <button type="button" onClick={() => store.go({ view: "history", query: "" })}>
              Show all imports
            </button>
          </>
        }
      >
        {problem.status === 404
          ? "No import has this address. Somebody may have deleted it from the history."
          : problem.message}
      </Notice>
    </section>
  );
}

function isActive({ state }: Import): boolean {
  return state === "queued" || state === "running";
}

function doneOf({ inserted, updated, skipped, rejected }: Progress): number {
  return inserted + updated + skipped + rejected;
}

function endOf({ state, total, inserted, updated, rejected }: Import, count: (n: number) => string): string {
  if (state !== "finished") return `The import has stopped: ${state}.`;
  return `Done. ${count(inserted + updated)} of ${count(total)} rows are in, ${count(rejected)} were rejected.`;
}
