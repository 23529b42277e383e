// The stages of an import as they are now: channels that fill and drain, and workers that are busy
// or wait.
import type { ComponentChildren, JSX } from "preact";
import type { Channel, Progress, Worker } from "../api/shapes.ts";
import { useStore } from "../ui/context.ts";

const NOT_YET: Channel = { name: "", length: 0, capacity: 0 };

export function Pipeline({ progress }: { readonly progress: Progress }): JSX.Element {
  const { format } = useStore();
  // Before the stages have started there are no channels.
  const [read = NOT_YET, load = NOT_YET] = progress.channels;
  const workers = (stage: string): readonly Worker[] => progress.workers.filter(({ id }) => id.startsWith(stage));
  return (
    <section class="card pipeline" aria-label="What the import does now">
      <Stage name="Read" workers={workers("read")}>
        {format.counted(progress.read, "row")}
      </Stage>
      <Tank channel={read} />
      <Stage name="Check" workers={workers("encode")}>
        {format.count(progress.rejected)} rejected
      </Stage>
      <Tank channel={load} />
      <Stage name="Load" workers={workers("load")}>
        {format.counted(progress.inserted + progress.updated, "row")} in
      </Stage>
    </section>
  );
}

function Stage(props: {
  readonly name: string;
  readonly workers: readonly Worker[];
  readonly children: ComponentChildren;
}): JSX.Element {
  const { name, workers } = props;
  const busy = workers.filter(({ state }) => state === "busy").length;
  const waits = workers.find(({ state }) => state === "waiting")?.on;
  return (
    <div class="stage">
      <h2>{name}</h2>
      <div class="workers" role="img" aria-label={`${name}: ${busy} of ${workers.length} busy`}>
        {workers.map(({ id, state, on }) => (
          <span key={id} class={`worker ${state}`} title={on ? `${id}: waits for ${on}` : `${id}: ${state}`} />
        ))}
      </div>
      <p>{props.children}</p>
      <p class="waits">{busy === 0 && waits !== undefined ? `waits for ${waits}` : "\u00a0"}</p>
    </div>
  );
}

/** A channel as a tank: how full it is shows which side waits for the other. */
function Tank({ channel }: { readonly channel: Channel }): JSX.Element {
  const { format } = useStore();
  const { length, capacity, name } = channel;
  const full = capacity > 0 ? Math.min(1, length / capacity) : 0;
  return (
    <div class="tank-place">
      <span class="pipe" />
      <div class="tank" role="img" aria-label={`Channel ${name}: ${length} of ${capacity}`}>
        <div class="water" style={{ transform: `scaleY(${full})` }} />
      </div>
      <span class="pipe" />
      <p class="muted" aria-hidden="true">
        {capacity > 0 ? `${name} ${format.count(length)} of ${format.count(capacity)}` : "\u00a0"}
      </p>
    </div>
  );
}
