// A client of two replicas of a service: when one is slow the other is asked too, and one that is
// down is left alone for a while.
//
//   node --conditions=source examples/resilient-client.ts
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { Breaker, type BreakerState, forEach, generate, hedge } from "@sluice/go/patterns";
import { sleep } from "@sluice/go/time";

/** Asks one replica; rejects if it fails, and when its context is done. */
export type Replica = (ctx: Context, path: string) => Promise<string>;

export interface PoolOptions {
  /** Milliseconds without an answer until the next replica is asked too. */
  readonly hedgeMs: number;
  /**
   * Failures in a row until a replica is left alone, and for how many milliseconds; 5 and 30,000 by
   * default.
   */
  readonly failures?: number;
  readonly restMs?: number;
  readonly onChange?: (replica: number, state: BreakerState) => void;
}

export class ReplicaPool {
  readonly #replicas: readonly { readonly ask: Replica; readonly breaker: Breaker }[];
  readonly #hedgeMs: number;
  #turn = 0;

  constructor(replicas: readonly Replica[], { hedgeMs, failures = 5, restMs = 30_000, onChange }: PoolOptions) {
    this.#hedgeMs = hedgeMs;
    this.#replicas = replicas.map((ask, i) => {
      // A call that lost against a faster one says nothing about its replica.
      const isFailure = (error: unknown): boolean => !(error instanceof Error && error.name === "AbortError");
      const breaker = new Breaker({ failures, ms: restMs, isFailure, onChange: (state) => onChange?.(i, state) });
      return { ask, breaker };
    });
  }

  /**
   * The first answer. Replicas take turns; one whose breaker is open fails at once, so the next is
   * asked without a wait. Only for questions that may safely be asked twice. Rejects with an
   * AggregateError if all replicas fail.
   */
  get(ctx: Context, path: string): Promise<string> {
    const first = this.#turn++;
    const ask = (ctx: Context, attempt: number): Promise<string> => {
      const { ask, breaker } = this.#replicas[(first + attempt - 1) % this.#replicas.length]!;
      return breaker.run(() => ask(ctx, path));
    };
    return hedge(ctx, ask, { ms: this.#hedgeMs, requests: this.#replicas.length });
  }
}

/** A replica behind an address. */
export function replicaAt(url: string): Replica {
  return async (ctx, path) => {
    const response = await fetch(url + path, { signal: ctx.signal });
    if (!response.ok) throw new Error(`${url}: status ${response.status}`);
    return response.text();
  };
}

if (import.meta.main) {
  await main(async () => {
    const ctx = background();
    let [slow, down] = [0, false];
    const [a, b] = [
      createServer((_, response) => void setTimeout(() => response.end("a"), slow)),
      createServer((_, response) => response.writeHead(down ? 503 : 200).end("b")),
    ];
    const urls = await Promise.all([a, b].map(listening));
    const pool = new ReplicaPool(urls.map(replicaAt), {
      hedgeMs: 30,
      restMs: 300,
      onChange: (replica, state) => console.log(`  breaker of ${"ab"[replica]}: ${state}`),
    });
    const measure = async (title: string): Promise<void> => {
      const counts: Record<string, number> = { a: 0, b: 0 };
      const times: number[] = [];
      const ask = async (n: number): Promise<void> => {
        const began = performance.now();
        counts[await pool.get(ctx, `/${n}`)]!++;
        times.push(performance.now() - began);
      };
      await forEach(ctx, generate(ctx, Array(200).keys()), ask, { workers: 4 });
      times.sort((x, y) => x - y);
      console.log(
        `${title}: ${counts["a"]} answers of a, ${counts["b"]} of b, 99 % within ${Math.round(times[197]!)} ms`,
      );
    };
    await measure("both are well");
    slow = 500;
    await measure("a is slow");
    [slow, down] = [0, true];
    await measure("b is down");
    down = false;
    await sleep(300);
    await measure("b is back");
    for (const server of [a, b]) server.close().closeAllConnections();
  });
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
