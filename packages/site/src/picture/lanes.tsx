// A lane for each goroutine: what it does now, and what it did at each step. A line between two
// lanes shows who let whom continue, or a race.

import type { VNode } from "preact";
import { laneName } from "./captions.ts";
import type { Activity, Lane, Step } from "./state.ts";
import type { Player } from "./player.ts";

/** The most lanes that are drawn, the height of one, and the width of all steps together. */
const [LANES, HEIGHT, WIDTH] = [10, 34, 600];

const WORDS: Readonly<Record<Activity, string>> = {
  runs: "runs",
  ready: "can run",
  waits: "waits",
  ended: "has ended",
};

export function Lanes({ player }: { player: Player }): VNode {
  const step = player.step.value;
  const { steps } = player;
  const index = player.index.value;
  const all = (steps.at(-1) as Step).lanes.map(({ g }) => g);
  const shown = all.length <= LANES ? all : nearest(all, step);
  const rows = shown.map((g) => step.lanes.find((lane) => lane.g === g));
  return (
    <div class="lanes">
      <ol>
        {rows.map((lane, i) => (
          <li key={shown[i]} class={`lane ${lane?.activity ?? "absent"}`} data-place={`lane-${shown[i]}`}>
            {lane !== undefined && <Label lane={lane} step={step} />}
          </li>
        ))}
      </ol>
      <Timeline steps={steps} shown={shown} index={index} seek={(to) => player.show(to)} />
      {all.length > shown.length && <p class="more">and {all.length - shown.length} more goroutines</p>}
    </div>
  );
}

function Label({ lane, step }: { lane: Lane; step: Step }): VNode {
  return (
    <>
      <b>{laneName(step.lanes, lane.g)}</b>{" "}
      <span class="activity">
        {WORDS[lane.activity]}
        {lane.activity === "waits" && `: ${lane.state}`}
        {lane.activity === "waits" && lane.line !== undefined && `, line ${lane.line}`}
      </span>
    </>
  );
}

/** The lanes around that of the goroutine that acts. */
function nearest(all: readonly number[], { g }: Step): readonly number[] {
  const at = Math.max(0, all.indexOf(g));
  const from = Math.max(0, Math.min(at - LANES / 2, all.length - LANES));
  return all.slice(from, from + LANES);
}

interface TimelineProps {
  readonly steps: readonly Step[];
  readonly shown: readonly number[];
  readonly index: number;
  readonly seek: (index: number) => void;
}

function Timeline({ steps, shown, index, seek }: TimelineProps): VNode {
  // At most about this number of steps around the present one is drawn, so a long program stays
  // readable.
  const span = 60;
  const from = Math.max(0, Math.min(index - span / 2, steps.length - span));
  const window = steps.slice(from, from + span);
  const width = WIDTH / Math.max(window.length, 12);
  const seekAt = (event: PointerEvent): void => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    seek(from + Math.floor(((event.clientX - box.left) / box.width) * (WIDTH / width)));
  };
  const row = (g: number): number => shown.indexOf(g) * HEIGHT + HEIGHT / 2;
  return (
    <svg
      class="timeline"
      viewBox={`0 0 ${WIDTH} ${shown.length * HEIGHT}`}
      preserveAspectRatio="none"
      height={shown.length * HEIGHT}
      onPointerDown={seekAt}
    >
      {shown.map((g) =>
        segmentsOf(window, g).map(({ at, length, activity }) => (
          <rect
            key={`${g}-${at}`}
            class={activity}
            x={at * width}
            y={row(g) - (activity === "runs" ? 9 : 4)}
            width={length * width}
            height={activity === "runs" ? 18 : 8}
          />
        )),
      )}
      {window.map(({ g, wakes }, i) =>
        wakes
          .filter((woken) => shown.includes(woken) && shown.includes(g) && woken !== g)
          .map((woken) => (
            <g key={`${i}-${woken}`} class="wake">
              <line x1={(i + 0.5) * width} x2={(i + 0.5) * width} y1={row(g)} y2={row(woken)} />
              <circle cx={(i + 0.5) * width} cy={row(woken)} r="3.5" />
            </g>
          )),
      )}
      {window.map(
        ({ race }, i) =>
          race.length > 0 &&
          race.every((g) => shown.includes(g)) && (
            <g key={`race-${i}`} class="race">
              <line x1={(i + 0.5) * width} x2={(i + 0.5) * width} y1={row(race[0]!)} y2={row(race[1]!)} />
              {race.map((g) => (
                <circle key={g} cx={(i + 0.5) * width} cy={row(g)} r="5" />
              ))}
            </g>
          ),
      )}
      <rect class="now" x={(index - from) * width} y="0" width={width} height={shown.length * HEIGHT} />
    </svg>
  );
}

/** The states of a goroutine, as stretches of steps. */
function segmentsOf(steps: readonly Step[], g: number): { at: number; length: number; activity: Activity }[] {
  const segments: { at: number; length: number; activity: Activity }[] = [];
  for (const [i, { lanes }] of steps.entries()) {
    const activity = lanes.find((lane) => lane.g === g)?.activity;
    const last = segments.at(-1);
    if (activity === undefined || activity === "ended") continue;
    if (last?.activity === activity && last.at + last.length === i) last.length++;
    else segments.push({ at: i, length: 1, activity });
  }
  return segments;
}
