// The live picture below a program: channels as tubes with what is in them, a lane for each
// goroutine, who woke whom, and the same as sentences and as a table.
//
// The picture itself is hidden from readers of the screen: the sentence and the table say the same.

import { render, type VNode } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { laneName } from "./captions.ts";
import { Lanes } from "./lanes.tsx";
import type { Step } from "./state.ts";
import { type Player, type Speed, SPEEDS } from "./player.ts";
import { Tubes } from "./tubes.tsx";
import { fly } from "./travel.ts";

/**
 * Draws the picture of a player into an element, in the place of what is there. A page has several,
 * which readers of the screen tell apart by the name of the program.
 */
export function drawPicture(into: HTMLElement, player: Player, program: string): void {
  render(<Picture player={player} program={program} />, into);
}

export function wantsLessMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

interface Props {
  readonly player: Player;
  readonly program: string;
}

function Picture({ player, program }: Props): VNode {
  const step = player.step.value;
  const scene = useRef<HTMLDivElement>(null);
  const shown = useRef(player.index.value);
  const index = player.index.value;
  useLayoutEffect(() => {
    const forward = index === shown.current + 1;
    shown.current = index;
    if (forward && scene.current !== null && !wantsLessMotion()) {
      fly(scene.current, step.moves, Math.min(900, SPEEDS[player.speed.value] * 0.7));
    }
  }, [index]);
  return (
    <section class="picture" aria-label={`What the goroutines of ${program} do`}>
      <Controls player={player} />
      <p class="caption" aria-live={player.playing.value ? "off" : "polite"}>
        <span class="count">
          {index + 1} of {player.steps.length}
          {step.at >= 1 && `, after ${Math.floor(step.at).toLocaleString("en")} ms`}
        </span>{" "}
        {step.caption}
      </p>
      <div class="scene" ref={scene} aria-hidden="true">
        <Tubes step={step} />
        <Lanes player={player} />
      </div>
      <Events player={player} program={program} />
    </section>
  );
}

// The buttons are never disabled, since the one that was pressed last would lose the focus.
function Controls({ player }: { player: Player }): VNode {
  const index = player.index.value;
  const last = player.steps.length - 1;
  const playing = player.playing.value;
  return (
    <div class="controls">
      <button type="button" aria-disabled={index === 0} onClick={() => player.show(0)}>
        To the start
      </button>
      <button type="button" aria-disabled={index === 0} onClick={() => player.show(index - 1)}>
        Step back
      </button>
      <button type="button" onClick={() => (playing ? player.pause() : player.play())}>
        {playing ? "Pause" : "Play"}
      </button>
      <button type="button" aria-disabled={index === last} onClick={() => player.show(index + 1)}>
        Step
      </button>
      <label>
        Speed{" "}
        <select
          value={player.speed.value}
          onChange={(event) => (player.speed.value = event.currentTarget.value as Speed)}
        >
          {Object.keys(SPEEDS).map((speed) => (
            <option key={speed}>{speed}</option>
          ))}
        </select>
      </label>
      <input
        type="range"
        aria-label="Step"
        aria-valuetext={`${index + 1} of ${last + 1}: ${player.step.value.caption}`}
        min={0}
        max={last}
        value={index}
        onInput={(event) => player.show(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

/** The most rows of the table: it is for reading. */
const ROWS = 500;

function Events({ player, program }: Props): VNode {
  const [open, setOpen] = useState(false);
  const { steps } = player;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The same as a table</summary>
      {open && (
        <div class="scroll" tabIndex={0} role="region" aria-label={`Steps of ${program}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">step</th>
                <th scope="col">goroutine</th>
                <th scope="col">what happens</th>
                <th scope="col">line</th>
                <th scope="col">waits then</th>
              </tr>
            </thead>
            <tbody>
              {steps.slice(0, ROWS).map((step, i) => (
                <tr key={i} aria-current={i === player.index.value ? "step" : undefined}>
                  <td>{i + 1}</td>
                  <td>{step.g === 0 ? "" : laneName(step.lanes, step.g)}</td>
                  <td>{step.caption}</td>
                  <td>{step.line}</td>
                  <td>{waiting(step)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {steps.length > ROWS && <p>The table ends after {ROWS} steps.</p>}
        </div>
      )}
    </details>
  );
}

function waiting({ lanes }: Step): string {
  return lanes
    .filter(({ activity }) => activity === "waits")
    .map(({ g }) => laneName(lanes, g))
    .join(", ");
}
