// A stream processor: readings of many sensors, some of them late, as an average for each sensor
// and second.
//
//   node --conditions=source examples/windows.ts
import type { RecvChan } from "@sluice/go";
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { generate, map, window } from "@sluice/go/patterns";

export interface Reading {
  readonly sensor: string;
  /** Milliseconds; readings may come out of order. */
  readonly at: number;
  readonly value: number;
}

export interface Average {
  readonly sensor: string;
  readonly second: number;
  readonly mean: number;
  readonly readings: number;
}

/**
 * An average for each sensor and second; readings that come more than `lateness` ms late go to
 * `onLate`.
 */
export function averages(
  ctx: Context,
  readings: RecvChan<Reading>,
  lateness: number,
  onLate: (reading: Reading) => void,
): RecvChan<Average> {
  const seconds = window.tumbling(ctx, readings, 1000, {
    key: ({ sensor }) => sensor,
    time: ({ at }) => at,
    lateness,
    onLate,
  });
  return map(ctx, seconds, ({ key, start, values }) => {
    const sum = values.reduce((sum, { value }) => sum + value, 0);
    return { sensor: key, second: start / 1000, mean: sum / values.length, readings: values.length };
  });
}

/**
 * Three sensors for five seconds, every third reading 200 ms late, and one that comes two seconds
 * too late.
 */
export function* sample(): Generator<Reading> {
  for (let at = 0; at < 5000; at += 50) {
    for (const [n, sensor] of ["north", "south", "west"].entries()) {
      yield { sensor, at: Math.max(0, at - (at % 150 === 0 ? 200 : 0)), value: 20 + n + Math.sin(at / 1000) };
    }
    if (at === 4000) yield { sensor: "west", at: 1500, value: 99 };
  }
}

if (import.meta.main) {
  await main(async () => {
    const ctx = background();
    const late = (r: Reading): void => console.log(`too late: ${r.sensor} at ${r.at} ms`);
    for await (const { sensor, second, mean, readings } of averages(ctx, generate(ctx, sample()), 250, late)) {
      console.log(`${second} s  ${sensor.padEnd(5)}  ${mean.toFixed(2)} °C from ${readings} readings`);
    }
  });
}
