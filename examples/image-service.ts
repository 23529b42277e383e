// An image service: as many workers as there are cores resize, compress and convert files.
//
//   node --conditions=source examples/image-service.ts
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecvChan } from "@sluice/go";
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { numCPU } from "@sluice/go/parallel";
import { generate, workerPool } from "@sluice/go/patterns";
import sharp, { type Sharp } from "sharp";

export interface Job {
  readonly input: string;
  readonly output: string;
  readonly operation: "resize" | "compress" | "convert";
}

export interface Done {
  readonly job: Job;
  /** Bytes of the new file; `undefined` if there was an error. */
  readonly size: number | undefined;
  readonly error: Error | undefined;
}

const operations: Readonly<Record<Job["operation"], (input: string) => Sharp>> = {
  resize: (input) => sharp(input).resize({ width: 320 }),
  compress: (input) => sharp(input).jpeg({ quality: 60, mozjpeg: true }),
  convert: (input) => sharp(input).webp(),
};

/**
 * Does all jobs, and reports each as soon as it is done. One broken file does not stop the others.
 */
export function processImages(ctx: Context, jobs: RecvChan<Job>, workers = numCPU()): RecvChan<Done> {
  sharp.concurrency(1); // one thread of libvips for each job, since the workers are the parallelism
  return workerPool(
    ctx,
    jobs,
    async (job) => {
      try {
        const operation = operations[job.operation];
        if (operation === undefined) throw new TypeError(`unknown operation: ${job.operation}`);
        const { size } = await operation(job.input).toFile(job.output);
        return { job, size, error: undefined };
      } catch (error) {
        return { job, size: undefined, error: error as Error };
      }
    },
    { workers },
  );
}

/** Writes a JPEG file of soft stripes. */
export async function paint(file: string, width: number, height: number): Promise<void> {
  const points = Buffer.alloc(width * height * 3);
  for (let at = 0; at < points.length; at++) points[at] = (at >> 6) & 255;
  await sharp(points, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95 })
    .toFile(file);
}

if (import.meta.main) {
  await main(async () => {
    const folder = await mkdtemp(join(tmpdir(), "images-"));
    const photos = Array.from({ length: 4 }, (_, i) => join(folder, `photo-${i + 1}.jpg`));
    for (const photo of photos) await paint(photo, 1600, 1200);
    const jobs = photos.flatMap((input): Job[] => [
      { input, output: input.replace(".jpg", ".small.jpg"), operation: "resize" },
      { input, output: input.replace(".jpg", ".compressed.jpg"), operation: "compress" },
      { input, output: input.replace(".jpg", ".webp"), operation: "convert" },
    ]);
    const ctx = background();
    const began = performance.now();
    for await (const { job, size, error } of processImages(ctx, generate(ctx, jobs))) {
      const kB = (bytes: number): string => `${Math.round(bytes / 1000)} kB`;
      const was = (await stat(job.input)).size;
      console.log(`${job.operation} ${job.input.split("/").at(-1)}: ${error?.message ?? `${kB(was)} → ${kB(size!)}`}`);
    }
    console.log(`${jobs.length} jobs with ${numCPU()} workers in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    await rm(folder, { recursive: true });
  });
}
