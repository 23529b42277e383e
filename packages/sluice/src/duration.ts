// A time span as people read it: the way Go prints a time.Duration, with at most three significant
// digits.

const UNITS = [
  { suffix: "s", milliseconds: 1000 },
  { suffix: "ms", milliseconds: 1 },
  { suffix: "µs", milliseconds: 0.001 },
] as const;

/**
 * `812` → `812ms`, `3141` → `3.14s`, `64_000` → `1m4s`, `3_723_000` → `1h2m0s`. From a minute on
 * whole seconds count, from an hour on whole minutes.
 *
 * @param milliseconds at least 0
 */
export function goDuration(milliseconds: number): string {
  for (const unit of UNITS.toReversed()) {
    const value = Number((milliseconds / unit.milliseconds).toPrecision(3));
    if (value < (unit.suffix === "s" ? 60 : 1000)) return value === 0 ? "0s" : `${value}${unit.suffix}`;
  }
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${minutes % 60}m0s`;
}
