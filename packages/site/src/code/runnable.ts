// Which blocks of code run in the page.

/** The modules of `@sluice/go` that a program in the page can import. */
export const MODULES: readonly string[] = [
  "@sluice/go",
  "@sluice/go/atomic",
  "@sluice/go/context",
  "@sluice/go/errgroup",
  "@sluice/go/fiber",
  "@sluice/go/leak",
  "@sluice/go/patterns",
  "@sluice/go/pprof",
  "@sluice/go/pubsub",
  "@sluice/go/rate",
  "@sluice/go/retry",
  "@sluice/go/semaphore",
  "@sluice/go/singleflight",
  "@sluice/go/sync",
  "@sluice/go/synctest",
  "@sluice/go/time",
];

/** Why a block cannot run in the page; `undefined` if it can. */
export function obstacle(meta: readonly string[], code: string): string | undefined {
  if (meta.includes("race")) return "The race detector changes modules while Node loads them.";
  if (meta.includes("stacks")) return "It needs a variable of the environment.";
  const foreign = [...code.matchAll(/(?:from|import\()\s*"([^"]+)"/g)]
    .map(([, name]) => name as string)
    .find((name) => !MODULES.includes(name));
  if (foreign === undefined) return undefined;
  return foreign === "@sluice/go/parallel" ? "It needs Node's threads." : `It needs "${foreign}".`;
}
