// Rows a second over the time of an import, from the counts that come with its events.

export interface Sample {
  /** Milliseconds since the first event. */
  readonly at: number;
  readonly rate: number;
}

export interface Speed {
  readonly samples: readonly Sample[];
  readonly first: number | undefined;
  /** The count that the next sample begins with, and when that was. */
  readonly done: number;
  readonly at: number;
}

export const NO_SPEED: Speed = { samples: [], first: undefined, done: 0, at: 0 };
/** Counts that come closer together make one sample, since rows come in chunks. */
const STEP_MS = 400;
/** When there are more samples, each two make one. */
const MOST_SAMPLES = 240;

/** The speed after one more count. @param now milliseconds, of a clock that only goes forward */
export function sped(speed: Speed, done: number, now: number): Speed {
  if (speed.first === undefined) return { samples: [], first: now, done, at: now };
  const passed = now - speed.at;
  if (passed < STEP_MS) return speed;
  const rate = Math.max(0, ((done - speed.done) / passed) * 1000);
  const samples = [...speed.samples, { at: now - speed.first, rate }];
  return { ...speed, samples: samples.length > MOST_SAMPLES ? halved(samples) : samples, done, at: now };
}

function halved(samples: readonly Sample[]): Sample[] {
  return samples.flatMap((sample, n) => {
    const next = samples[n + 1];
    if (n % 2 === 1) return [];
    return [next ? { at: next.at, rate: (sample.rate + next.rate) / 2 } : sample];
  });
}

/**
 * The line of a chart of this size, from the lower left.
 *
 * @param least a rate that has to be below the top as well
 * @returns paths of SVG, and the rate at the top
 */
export function chartOf(
  samples: readonly Sample[],
  width: number,
  height: number,
  least = 1,
): { line: string; area: string; top: number } {
  const top = niceTop(Math.max(1, least, ...samples.map(({ rate }) => rate)));
  const end = Math.max(1, samples.at(-1)?.at ?? 1);
  const points = samples.map(
    ({ at, rate }) => `${((at / end) * width).toFixed(1)},${(height - (rate / top) * height).toFixed(1)}`,
  );
  const line = points.length === 0 ? "" : `M0,${height}L${points.join("L")}`;
  return { line, area: line === "" ? "" : `${line}L${width},${height}Z`, top };
}

/** The next of 1, 2, 5, 10, 20, 50, … */
function niceTop(rate: number): number {
  const power = 10 ** Math.floor(Math.log10(rate));
  return power * ([1, 2, 5, 10].find((step) => step * power >= rate) ?? 10);
}
