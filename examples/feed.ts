// A feed with a budget of 500 ms: what has come by then is ranked and shown, and what is missing is
// named.
//
//   node --conditions=source examples/feed.ts
import { chan, go, main, recv, select, type SendChan } from "@sluice/go";
import { background, type Context, withTimeout } from "@sluice/go/context";
import { sleep } from "@sluice/go/time";

export interface Video {
  readonly id: string;
  readonly score: number;
}

/** Where videos come from; the weight says how much its scores count. */
export interface Source {
  readonly name: string;
  readonly weight: number;
  readonly load: (ctx: Context) => Promise<readonly Video[]>;
}

export interface Feed {
  readonly videos: readonly Video[];
  /** Sources that failed or were too slow, each with the reason. */
  readonly missing: ReadonlyMap<string, string>;
}

type Answer =
  | { readonly source: Source; readonly videos: readonly Video[] }
  | { readonly source: Source; readonly error: Error };

/**
 * The best videos of all sources that answer within `ms` milliseconds. Rejects only if ctx itself
 * is done.
 */
export async function feed(ctx: Context, sources: readonly Source[], limit: number, ms = 500): Promise<Feed> {
  const [own, cancel] = withTimeout(ctx, ms);
  using _ = cancel; // stops the sources that are still loading
  const answers = chan<Answer>(sources.length); // room for all: who comes too late does not wait for a reader
  for (const source of sources) go(load, own, source, answers);

  const missing = new Map(sources.map(({ name }) => [name, "too slow"]));
  const best = new Map<string, Video>();
  for (let left = sources.length; left > 0; left--) {
    const c = await select({ answer: recv(answers), late: recv(own.done()) });
    if (c.case === "late") break;
    if (!c.ok) continue;
    const { source } = c.value;
    if ("error" in c.value) missing.set(source.name, c.value.error.message);
    else {
      missing.delete(source.name);
      for (const { id, score } of c.value.videos) {
        const weighted = score * source.weight;
        if (weighted > (best.get(id)?.score ?? 0)) best.set(id, { id, score: weighted });
      }
    }
  }
  ctx.signal.throwIfAborted();
  const videos = [...best.values()].sort((a, b) => b.score - a.score).slice(0, limit);
  return { videos, missing };
}

async function load(ctx: Context, source: Source, answers: SendChan<Answer>): Promise<void> {
  try {
    await answers.send({ source, videos: await source.load(ctx) });
  } catch (error) {
    await answers.send({ source, error: error as Error });
  }
}

/** A source that answers after `ms` milliseconds. */
export function source(name: string, weight: number, ms: number, ...videos: readonly Video[]): Source {
  const load = async (ctx: Context): Promise<readonly Video[]> => {
    await sleep(ms, ctx);
    return videos;
  };
  return { name, weight, load };
}

if (import.meta.main) {
  await main(async () => {
    const following = source(
      "following",
      1,
      120,
      { id: "a friend's cat", score: 0.7 },
      { id: "a lecture", score: 0.4 },
    );
    const trending = source("trending", 0.8, 300, { id: "a goal", score: 0.9 }, { id: "a friend's cat", score: 0.8 });
    for (const ms of [450, 5_000]) {
      const recommended = source("recommended", 0.9, ms, { id: "a recipe", score: 0.95 });
      const began = performance.now();
      const { videos, missing } = await feed(background(), [following, trending, recommended], 3);
      console.log(`recommendations take ${ms} ms; the feed took ${Math.round(performance.now() - began)} ms:`);
      for (const { id, score } of videos) console.log(`  ${score.toFixed(2)} ${id}`);
      for (const [name, why] of missing) console.log(`  (without ${name}: ${why})`);
    }
  });
}
