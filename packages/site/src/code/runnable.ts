// Which blocks of code run in the page.

/**
 * The modules of `@sluice/go` that a program in the page can import, and their files in the site.
 */
export const MODULES: Readonly<Record<string, string>> = {
  "@sluice/go": "go/index",
  "@sluice/go/atomic": "go/atomic",
  "@sluice/go/context": "go/context",
  "@sluice/go/errgroup": "go/errgroup",
  "@sluice/go/fiber": "go/fiber",
  "@sluice/go/leak": "go/leak",
  "@sluice/go/patterns": "go/patterns",
  "@sluice/go/pprof": "go/pprof",
  "@sluice/go/pubsub": "go/pubsub",
  "@sluice/go/rate": "go/rate",
  "@sluice/go/retry": "go/retry",
  "@sluice/go/semaphore": "go/semaphore",
  "@sluice/go/singleflight": "go/singleflight",
  "@sluice/go/sync": "go/sync",
  "@sluice/go/synctest": "go/synctest",
  "@sluice/go/time": "go/time",
};

/** Why a block cannot run in the page; `undefined` if it can. */
export function obstacle(meta: readonly string[], code: string): string | undefined {
  if (meta.includes("race")) return "The race detector changes modules while Node loads them.";
  if (meta.includes("stacks")) return "It needs a variable of the environment.";
  if (/\bproven\(/.test(code)) return "It needs the garbage collector.";
  if (/\bverifyNone\(/.test(code)) return "It needs to know the running goroutine after every await.";
  const foreign = [...code.matchAll(/(?:from|import\()\s*"([^"]+)"/g)]
    .map(([, name]) => name as string)
    .find((name) => !Object.hasOwn(MODULES, name));
  if (foreign === undefined) return undefined;
  return foreign === "@sluice/go/parallel" ? "It needs Node's threads." : `It needs "${foreign}".`;
}
