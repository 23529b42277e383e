import { background, withCancel } from "@sluice/go/context";
import { generate } from "@sluice/go/patterns";
import { test as bubble } from "@sluice/go/synctest";
import { sleep } from "@sluice/go/time";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { City, distance, match, type Offer, type Place, places, type Ride } from "./rides.ts";

const ctx = background();
const yes: Offer = async () => true;

describe("ride matching", () => {
  it("finds the nearest driver that a search through all of them finds", () => {
    const metres = fc.integer({ min: 0, max: 4_999 });
    const place = fc.record({ id: fc.nat(), x: metres, y: metres });
    fc.assert(
      fc.property(fc.array(place, { maxLength: 40 }), place, (drivers, rider) => {
        const city = new City(5_000, 300);
        for (const driver of drivers) city.add(driver);
        const found = city.takeNearest(rider, new Set());
        const least = Math.min(...drivers.map((driver) => distance(driver, rider)));
        expect(found && distance(found, rider)).toBe(drivers.length > 0 ? least : undefined);
      }),
    );
  });

  it("gives no driver to two riders, and keeps to its workers", () =>
    bubble(async () => {
      const city = new City(10_000, 500);
      for (const driver of places(300, 10_000)) city.add(driver);
      let [asking, most, offers] = [0, 0, 0];
      const offer: Offer = async (ctx) => {
        most = Math.max(most, ++asking);
        await sleep(1_000, ctx);
        asking--;
        return ++offers % 4 !== 0;
      };
      const rides: Ride[] = [];
      for await (const ride of match(ctx, generate(ctx, places(200, 10_000)), city, offer, 16)) rides.push(ride);
      expect(new Set(rides.map(({ driver }) => driver)).size).toBe(200);
      expect([most, city.free]).toEqual([16, 100]);
      expect(rides.reduce((sum, { declined }) => sum + declined, 0)).toBe(offers - 200);
    }));

  it("asks each driver once for a rider, the nearest first, and gives up after the last", async () => {
    const city = new City(1_000, 100);
    const drivers = [900, 100, 500].map((x, id) => ({ id, x, y: 0 }));
    for (const driver of drivers) city.add(driver);
    const asked: Place[] = [];
    const no: Offer = async (_, driver) => asked.push(driver) < 0;
    const rides = match(ctx, generate(ctx, [{ id: 7, x: 0, y: 0 }]), city, no, 1);
    expect(await rides.recv()).toEqual({ rider: { id: 7, x: 0, y: 0 }, driver: undefined, declined: 3 });
    expect(asked.map(({ x }) => x)).toEqual([100, 500, 900]);
    expect(city.free).toBe(3);
    expect(await rides.recvOk()).toEqual([undefined, false]);
  });

  it("stops when its context ends", async () => {
    const city = new City(1_000, 100);
    for (const driver of places(100, 1_000)) city.add(driver);
    const [child, cancel] = withCancel(ctx);
    let rides = 0;
    for await (const _ of match(child, generate(ctx, places(100, 1_000)), city, yes, 4)) if (++rides === 3) cancel();
    expect(rides).toBeLessThan(100);
  });
});
