// Rows a second over time, as a picture, with the current number beside it.
import type { JSX } from "preact";
import { useStore } from "../ui/context.ts";
import { chartOf, type Speed } from "./speed.ts";

const WIDTH = 600;
const HEIGHT = 96;

export function SpeedChart({ speed, now }: { readonly speed: Speed; readonly now: number }): JSX.Element {
  const { format } = useStore();
  const { line, area, top } = chartOf(speed.samples, WIDTH, HEIGHT, now);
  return (
    <section class="card speed" aria-label="Speed">
      <p class="going-line">
        <strong>{format.count(Math.round(now))} rows a second</strong>
        <span class="muted" aria-hidden="true">
          {line !== "" && `up to ${format.count(top)}`}
        </span>
      </p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="area" d={area} />
        <path class="line" d={line} vector-effect="non-scaling-stroke" />
      </svg>
    </section>
  );
}
