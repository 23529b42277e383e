// Timers and tickers against a model of them, on a clock that only the test moves.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { gosched, type RecvChan } from "../index.ts";
import { Ticker, Timer } from "../time.ts";
import { expectNoLeaks } from "./quiet.ts";

expectNoLeaks();
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

it("only internal/clock.ts asks the host for the time, since a bubble and a test have clocks of their own", () => {
  const sources = join(import.meta.dirname, "..");
  const files = globSync(["*.ts", "{fiber,patterns,sync}/*.ts"], { cwd: sources }).filter(
    (f) => !f.endsWith(".test.ts"),
  );
  expect(files.length).toBeGreaterThan(40);
  const asking = files.filter((f) =>
    /Date\.now\(|performance\.now\(|new Date\(\)/.test(readFileSync(join(sources, f), "utf8")),
  );
  expect(asking).toEqual([]);
});

/** A timer, or with a period a ticker. Times are those of its clock. */
class Model {
  readonly received: number[] = [];
  waiting = 0;
  #due: number | undefined;
  #pending: number | undefined;
  #period: number;

  constructor(now: number, ms: number, ticks: boolean) {
    this.#period = ticks ? ms : 0;
    this.#due = now + ms;
  }

  /** The clock has come to `now`. */
  advance(now: number): void {
    while (this.#due !== undefined && this.#due <= now) {
      if (this.waiting > 0) {
        this.waiting--;
        this.received.push(this.#due);
      } else this.#pending ??= this.#due;
      this.#due = this.#period > 0 ? this.#due + this.#period : undefined;
    }
  }

  stop(): boolean {
    const was = this.#due !== undefined || this.#pending !== undefined;
    this.#due = undefined;
    this.#pending = undefined;
    return was;
  }

  reset(now: number, ms: number): boolean {
    const was = this.stop();
    if (this.#period > 0) this.#period = ms;
    this.#due = now + ms;
    return was;
  }

  tryRecv(): number | undefined {
    const value = this.#pending;
    this.#pending = undefined;
    return value;
  }
}

const command = fc.record({
  kind: fc.constantFrom("advance", "advance", "advance", "stop", "reset", "reset", "tryRecv", "recv"),
  ms: fc.nat(12),
});

it("E9 E10 E11 E14 E16 E18 E25 E26 E27 a timer or ticker does what the model does, whatever is done with it and when", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.integer({ min: 1, max: 10 }),
      fc.array(command),
      async (ticks, first, commands) => {
        const start = Date.now();
        const now = (): number => Date.now() - start;
        const real = ticks ? new Ticker(first) : new Timer(first);
        const c: RecvChan<Date> = real.c;
        const model = new Model(0, first, ticks);
        const received: number[] = [];
        const at = (time: Date | undefined): number => (time as Date).getTime() - start;
        for (const { kind, ms } of commands) {
          switch (kind) {
            case "advance":
              // One at a time: a goroutine that is woken may act before the next timer fires.
              for (let i = 0; i < ms; i++) {
                vi.advanceTimersByTime(1);
                model.advance(now());
              }
              break;
            case "stop":
              expect(ticks ? (real.stop(), model.stop(), true) : real.stop() === model.stop()).toBe(true);
              break;
            case "reset": {
              // A ticker's interval is above 0; a timer of 0 is due at once.
              const wait = ticks ? ms + 1 : ms;
              const [was, modelWas] = [real.reset(wait), model.reset(now(), wait)];
              if (!ticks) expect(was).toBe(modelWas);
              // A host timer of 0 ms that somebody waits for fires when the clock is next looked
              // at.
              vi.advanceTimersByTime(0);
              model.advance(now());
              break;
            }
            case "tryRecv": {
              const got = c.tryRecv();
              expect(got.ready ? at(got.value) : undefined).toBe(model.tryRecv());
              break;
            }
            case "recv": {
              void c.recv().then((time) => received.push(at(time)));
              const value = model.tryRecv();
              if (value === undefined) model.waiting++;
              else model.received.push(value);
            }
          }
          await gosched();
          expect(received).toEqual(model.received);
          expect([c.len, c.cap]).toEqual([0, 0]);
        }
        // Nobody is left waiting.
        while (model.waiting > 0) {
          real.reset(1);
          model.reset(now(), 1);
          vi.advanceTimersByTime(1);
          model.advance(now());
          await gosched();
        }
        expect(received).toEqual(model.received);
        real.stop();
        expect(vi.getTimerCount()).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
