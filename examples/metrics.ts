// A metrics collector: a loop around a select measures processor, memory and disk at each tick, and
// ends when it is told to.
//
//   node --conditions=source examples/metrics.ts
import { statfs } from "node:fs/promises";
import { cpus, freemem, totalmem } from "node:os";
import { main, recv, select } from "@sluice/go";
import { background, type Context, withTimeout } from "@sluice/go/context";
import { now, Ticker } from "@sluice/go/time";

export interface Metrics {
  readonly time: Date;
  /**
   * Shares from 0 to 1, of all cores since the last sample, of the machine's memory, and of the
   * disk.
   */
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  /** Operations on the disk by this process since the last sample. */
  readonly reads: number;
  readonly writes: number;
}

/** A sample of the machine. */
export type Sample = () => Promise<Metrics>;

/**
 * Takes a sample every `ms` milliseconds and sends it, until ctx is done. A sample that cannot be
 * sent is reported and dropped.
 */
export async function collect(
  ctx: Context,
  ms: number,
  sample: Sample,
  send: (ctx: Context, metrics: Metrics) => Promise<void>,
  onError: (error: Error) => void,
): Promise<void> {
  const ticker = new Ticker(ms);
  using _ = { [Symbol.dispose]: () => ticker.stop() };
  for (;;) {
    const c = await select({ tick: recv(ticker.c), stop: recv(ctx.done()) });
    if (c.case === "stop") return;
    try {
      await send(ctx, await sample());
    } catch (error) {
      if (ctx.err() === undefined) onError(error as Error);
    }
  }
}

/** Samples of this machine, whose disk is the one that holds a folder. */
export function machine(folder: string): Sample {
  let before = busyTime();
  let used = process.resourceUsage();
  return async () => {
    const [after, usage, disk] = [busyTime(), process.resourceUsage(), await statfs(folder)];
    const metrics = {
      time: now(),
      cpu: after.all === before.all ? 0 : (after.busy - before.busy) / (after.all - before.all),
      memory: 1 - freemem() / totalmem(),
      disk: 1 - disk.bavail / disk.blocks,
      reads: usage.fsRead - used.fsRead,
      writes: usage.fsWrite - used.fsWrite,
    };
    [before, used] = [after, usage];
    return metrics;
  };
}

/** Milliseconds since the machine started, over all cores. */
function busyTime(): { readonly busy: number; readonly all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const total = times.user + times.nice + times.sys + times.irq + times.idle;
    all += total;
    busy += total - times.idle;
  }
  return { busy, all };
}

if (import.meta.main) {
  await main(async () => {
    const [ctx, cancel] = withTimeout(background(), 3_500); // notify("SIGINT", "SIGTERM") in a service
    using _ = cancel;
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`.padStart(7);
    await collect(
      ctx,
      1_000,
      machine("."),
      async (_, { cpu, memory, disk, reads, writes }) => {
        console.log(
          `cpu ${percent(cpu)}  memory ${percent(memory)}  disk ${percent(disk)}  ${reads} reads, ${writes} writes`,
        );
      },
      console.error,
    );
    console.log("stopped");
  });
}
