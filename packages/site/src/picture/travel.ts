// Values that travel between goroutines and channels: small signs that fly over the picture.

import type { Move } from "./state.ts";

/** Lets a sign fly for each move, in that number of milliseconds. */
export function fly(scene: HTMLElement, moves: readonly Move[], ms: number): void {
  for (const old of scene.querySelectorAll(".flying")) old.remove();
  const frame = scene.getBoundingClientRect();
  for (const { value, from, to } of moves) {
    const [start, end] = [from, to].map((place) =>
      scene.querySelector(`[data-place="${place}"]`)?.getBoundingClientRect(),
    );
    if (start === undefined || end === undefined) continue;
    const sign = document.createElement("span");
    sign.className = "flying";
    sign.textContent = value;
    scene.append(sign);
    const centre = (box: DOMRect): string =>
      `translate(${Math.round(box.left - frame.left + Math.min(box.width / 2, 120))}px, ${Math.round(box.top - frame.top + box.height / 2)}px) translate(-50%, -50%)`;
    const flight = sign.animate([{ transform: centre(start) }, { transform: centre(end) }], {
      duration: ms,
      easing: "ease-in-out",
    });
    const land = (): void => sign.remove();
    flight.addEventListener("finish", land);
    flight.addEventListener("cancel", land);
  }
}
