// Confinement: each goroutine writes to its own slot of an array, so that no lock is needed; and a
// value that is handed on is let go.
//
//   node --conditions=source examples/records.ts
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { parallel, transfer } from "@sluice/go/parallel";
import { forEach, generate } from "@sluice/go/patterns";

export interface Contact {
  readonly id: number;
  readonly email: string;
}

export interface Processed {
  readonly id: number;
  /** A key for the address that does not tell it. */
  readonly key: string | undefined;
  readonly error: Error | undefined;
}

/**
 * Processes all records, `workers` at a time. Goroutine i writes `results[i]` and nothing else
 * (confinement by convention), and all that it uses on the way is its own (confinement by scope).
 */
export async function processRecords(ctx: Context, records: readonly Contact[], workers = 8): Promise<Processed[]> {
  const results = Array<Processed>(records.length);
  const work = async ([i, { id, email }]: [number, Contact]): Promise<void> => {
    try {
      results[i] = { id, key: await keyOf(email), error: undefined };
    } catch (error) {
      results[i] = { id, key: undefined, error: error as Error };
    }
  };
  await forEach(ctx, generate(ctx, records.entries()), work, { workers });
  return results;
}

/** The SHA-256 of an address in lower case. The platform computes it on other threads. */
async function keyOf(email: string): Promise<string> {
  if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw new Error(`not an address: ${email}`);
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(email.toLowerCase()));
  return Buffer.from(hash).toString("hex").slice(0, 16);
}

/**
 * Sorts numbers on another core. They are moved there and back, not copied: who calls this has no
 * access to them meanwhile.
 */
export const sorted = parallel(import.meta.url, function sorted(numbers: Float64Array): Float64Array {
  return transfer(numbers.sort());
});

if (import.meta.main) {
  await main(async () => {
    const records = ["Ann@Example.org", "bob@example.org", "nobody", "ann@example.org"].map((email, i) => ({
      id: i + 1,
      email,
    }));
    for (const { id, key, error } of await processRecords(background(), records)) {
      console.log(`${id}: ${key ?? error?.message}`);
    }
    const mine = Float64Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 100_003);
    const theirs = sorted(transfer(mine));
    console.log(`after the transfer I have ${mine.length} numbers`);
    const back = await theirs;
    console.log(`and ${back.length} when they come back, from ${back[0]} to ${back.at(-1)}`);
  });
}
