// Thumbnails: pictures become small grey ones on every core, and leave in the order in which they
// came.
//
//   node --conditions=source examples/images.ts
import { main, type RecvChan } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { numCPU, parallel, transfer } from "@sluice/go/parallel";
import { generate, ordered } from "@sluice/go/patterns";

export interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /**
   * Row by row, with so many bytes for each point: 4 are red, green, blue and opacity, 1 is grey.
   */
  readonly points: Uint8Array;
}

/**
 * Shrinks a picture to 1 / n of its width and height; each point is the mean lightness of n × n.
 */
const shrink = parallel(import.meta.url, function shrink(picture: Picture, n: number): Picture {
  const [width, height] = [Math.floor(picture.width / n), Math.floor(picture.height / n)];
  const points = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let row = y * n; row < (y + 1) * n; row++) {
        for (let column = x * n; column < (x + 1) * n; column++) {
          const at = (row * picture.width + column) * 4;
          const [red = 0, green = 0, blue = 0] = picture.points.subarray(at, at + 3);
          sum += 0.299 * red + 0.587 * green + 0.114 * blue;
        }
      }
      points[y * width + x] = Math.round(sum / (n * n));
    }
  }
  return transfer({ name: picture.name, width, height, points });
});

/**
 * Shrinks each picture. The pictures are handed over: their points move to the thread that shrinks
 * them.
 */
export function thumbnails(ctx: Context, pictures: RecvChan<Picture>, n: number): RecvChan<Picture> {
  return ordered.map(ctx, pictures, (picture) => shrink(transfer(picture), n), { workers: numCPU() });
}

/** Pictures of one colour each. */
export function* sample(count: number, size: number): Generator<Picture> {
  for (let i = 0; i < count; i++) {
    const points = new Uint8Array(size * size * 4);
    for (let at = 0; at < points.length; at += 4) points.set([i * 8, 255 - i * 8, 128, 255], at);
    yield { name: `picture ${i + 1}`, width: size, height: size, points };
  }
}

if (import.meta.main) {
  await main(async () => {
    const ctx = background();
    for await (const { name, width, height, points } of thumbnails(ctx, generate(ctx, sample(16, 1024)), 8)) {
      console.log(`${name}: ${width} × ${height}, lightness ${points[0]}`);
    }
  });
}
