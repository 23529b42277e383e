import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { background, withCancel } from "@sluice/go/context";
import { generate } from "@sluice/go/patterns";
import sharp, { type Metadata } from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Done, type Job, paint, processImages } from "./image-service.ts";

const ctx = background();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "images-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the image service", () => {
  it("resizes, compresses and converts, and reports what it cannot do", async () => {
    const input = join(folder, "photo.jpg");
    await paint(input, 640, 480);
    await writeFile(join(folder, "broken.jpg"), "this is text");
    const operations = ["resize", "compress", "convert", "rotate"] as Job["operation"][];
    const jobs = operations.map((operation) => ({ input, output: join(folder, operation), operation }));
    jobs.push({ input: join(folder, "broken.jpg"), output: join(folder, "none"), operation: "resize" });
    const done = new Map<string, Done>();
    for await (const one of processImages(ctx, generate(ctx, jobs), 2)) done.set(one.job.output, one);
    expect(done.size).toBe(5);
    const of = (name: string): Promise<Metadata> => sharp(join(folder, name)).metadata();
    expect(await of("resize")).toMatchObject({ format: "jpeg", width: 320, height: 240 });
    expect(await of("convert")).toMatchObject({ format: "webp", width: 640, height: 480 });
    expect((await of("compress")).format).toBe("jpeg");
    expect(done.get(join(folder, "compress"))!.size).toBeLessThan((await stat(input)).size);
    expect(done.get(join(folder, "rotate"))!.error?.message).toBe("unknown operation: rotate");
    expect(done.get(join(folder, "none"))!.error?.message).toContain("unsupported image format");
  });

  it("stops when its context ends", async () => {
    const input = join(folder, "photo.jpg");
    await paint(input, 64, 48);
    const [child, cancel] = withCancel(ctx);
    const jobs = Array.from({ length: 200 }, (_, i): Job => ({
      input,
      output: join(folder, `${i}`),
      operation: "resize",
    }));
    let done = 0;
    for await (const _ of processImages(child, generate(ctx, jobs), 2)) if (++done === 3) cancel();
    expect(existsSync(join(folder, "199"))).toBe(false);
  });
});
