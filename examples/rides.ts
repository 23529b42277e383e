// Ride matching: a pool of workers finds the nearest free driver for each rider, asks, and asks the
// next one if that driver declines.
//
//   node --conditions=source examples/rides.ts
import type { RecvChan } from "@sluice/go";
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { generate, workerPool } from "@sluice/go/patterns";
import { sleep } from "@sluice/go/time";

export interface Place {
  readonly id: number;
  /** Metres from the south-west corner of the city. */
  readonly x: number;
  readonly y: number;
}

export interface Ride {
  readonly rider: Place;
  /** `undefined` if no driver accepted. */
  readonly driver: Place | undefined;
  readonly declined: number;
}

/**
 * Free drivers in the squares of a grid, so that a search looks only at the squares around a place.
 */
export class City {
  readonly #squares = new Map<string, Set<Place>>();
  readonly #side: number;
  readonly #size: number;
  #free = 0;

  /** `size` is the length of the city in metres, `side` that of a square. */
  constructor(size: number, side: number) {
    this.#size = size;
    this.#side = side;
  }

  get free(): number {
    return this.#free;
  }

  add(driver: Place): void {
    const key = this.#keyOf(driver.x, driver.y);
    const square = this.#squares.get(key) ?? new Set();
    this.#squares.set(key, square.add(driver)); // race:ignore: one step
    this.#free++;
  }

  /**
   * Takes the nearest free driver who is not in `except`. Nothing is awaited here, so nobody else
   * gets the same driver.
   */
  takeNearest(place: Place, except: ReadonlySet<Place>): Place | undefined {
    let nearest: Place | undefined;
    const rings = Math.ceil(this.#size / this.#side);
    for (let ring = 0; ring <= rings; ring++) {
      // All drivers further out are at least this far away.
      if (nearest !== undefined && distance(nearest, place) <= (ring - 1) * this.#side) break;
      for (const driver of this.#ring(place, ring)) {
        if (except.has(driver)) continue;
        if (nearest === undefined || distance(driver, place) < distance(nearest, place)) nearest = driver;
      }
    }
    if (nearest === undefined) return undefined;
    this.#squares.get(this.#keyOf(nearest.x, nearest.y))!.delete(nearest); // race:ignore: one step with the search
    this.#free--;
    return nearest;
  }

  /** The drivers in the squares that are `ring` squares away. */
  *#ring({ x, y }: Place, ring: number): Generator<Place> {
    for (let dx = -ring; dx <= ring; dx++) {
      const step = Math.abs(dx) === ring ? 1 : 2 * ring;
      for (let dy = -ring; dy <= ring; dy += step || 1) {
        yield* this.#squares.get(this.#keyOf(x + dx * this.#side, y + dy * this.#side)) ?? [];
      }
    }
  }

  #keyOf(x: number, y: number): string {
    return `${Math.floor(x / this.#side)} ${Math.floor(y / this.#side)}`;
  }
}

export function distance(a: Place, b: Place): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Asks a driver; true if the driver accepts. */
export type Offer = (ctx: Context, driver: Place, rider: Place) => Promise<boolean>;

/**
 * Finds a driver for each rider. While one worker waits for a driver's answer, the others go on.
 */
export function match(
  ctx: Context,
  riders: RecvChan<Place>,
  city: City,
  offer: Offer,
  workers: number,
): RecvChan<Ride> {
  return workerPool(
    ctx,
    riders,
    async (rider, ctx) => {
      const asked = new Set<Place>();
      for (;;) {
        const driver = city.takeNearest(rider, asked);
        if (driver === undefined) return { rider, driver, declined: asked.size };
        if (await offer(ctx, driver, rider)) return { rider, driver, declined: asked.size };
        asked.add(driver);
        city.add(driver); // free for other riders
      }
    },
    { workers },
  );
}

/** Places all over a city of `size` metres. */
export function* places(count: number, size: number, random: () => number = Math.random): Generator<Place> {
  for (let id = 1; id <= count; id++) yield { id, x: random() * size, y: random() * size };
}

if (import.meta.main) {
  await main(async () => {
    const [ctx, size] = [background(), 20_000];
    const city = new City(size, 500);
    for (const driver of places(5_000, size)) city.add(driver);
    const offer: Offer = async (ctx) => {
      await sleep(20, ctx); // a driver looks at the telephone
      return Math.random() < 0.8;
    };
    const began = performance.now();
    let [rides, declined, metres] = [0, 0, 0];
    for await (const ride of match(ctx, generate(ctx, places(2_000, size)), city, offer, 100)) {
      if (ride.driver === undefined) continue;
      rides++;
      declined += ride.declined;
      metres += distance(ride.rider, ride.driver);
    }
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `${rides} rides in ${seconds.toFixed(1)} s, ${declined} offers declined, ${city.free} drivers still free`,
    );
    console.log(`a driver is ${Math.round(metres / rides)} m away on average`);
  });
}
