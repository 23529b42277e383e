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
  "@sluice/go/net": "go/net",
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

/** The command of docs/guide/index.md that runs a block which was copied into a file. */
const COMMAND = "npm run -s example";
const FILE = "my-file.ts";

/**
 * Markdown that says why a block cannot run in the page, and what runs it; `undefined` if it can.
 */
export function obstacle(code: string): string | undefined {
  const why = reason(code);
  return why === undefined ? undefined : `${why}, so run this block with \`${COMMAND} ${FILE}\`.`;
}

function reason(code: string): string | undefined {
  if (/\bproven\(/.test(code)) return "A page cannot ask the garbage collector what it would free";
  const foreign = [...code.matchAll(/(?:from|import\()\s*"([^"]+)"/g)]
    .map(([, name]) => name as string)
    .find((name) => !Object.hasOwn(MODULES, name));
  if (foreign === undefined) return undefined;
  // Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy, which no file of a page can
  // replace. A service worker that adds them was rejected: it reloads the page, and must answer all
  // its requests. Shared memory of WebAssembly was tried: such a page has it, and cannot send it to
  // a worker.
  if (foreign === "@sluice/go/parallel") return "Threads of a page share memory only if its host sends special headers";
  return `A page has no \`${foreign}\``;
}

/**
 * True if a program must know the running goroutine after every await. A browser does not report
 * that, so the program needs probes, as under the race detector.
 */
export function followsAwaits(code: string): boolean {
  return /\bverifyNone\(/.test(code);
}

/** Markdown that says how a block is run, if that is not the usual way. */
export function manner(meta: readonly string[]): string | undefined {
  if (meta.includes("race"))
    return `It runs under the race detector, as with \`${COMMAND} -- --import @sluice/go/race/register ${FILE}\`.`;
  if (meta.includes("stacks"))
    return `Reports have files and lines here, as with \`SLUICE_STACKS=1 ${COMMAND} ${FILE}\`.`;
  return undefined;
}
