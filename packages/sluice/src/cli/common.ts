// What the commands share: which database, and how Ctrl-C ends them.
import { background, withCancel, type Context } from "@sluice/go/context";
import { openTarget, type TargetOptions } from "../targets/open.ts";
import type { Target } from "../targets/target.ts";

export interface TargetFlags {
  readonly to?: string;
  readonly data: string;
}

/** The server's address where the options mean a server: `--to`, else DATABASE_URL. */
export function serverAddress(flags: TargetFlags): string | undefined {
  return flags.to ?? (process.env["DATABASE_URL"] || undefined);
}

/** The database that the options mean: `--to`, else DATABASE_URL, else the embedded one. */
export async function connect(flags: TargetFlags, options: Omit<TargetOptions, "to" | "folder"> = {}): Promise<Target> {
  return openTarget({ ...options, to: serverAddress(flags), folder: flags.data });
}

/** Something that nobody foresaw: its stack is for us, so it is shown on request only. */
export function showStack(error: unknown, code: string): void {
  if (code !== "internal" || !(error instanceof Error)) return;
  if (process.env["SLUICE_DEBUG"]) console.error(error.stack);
  else console.error("This is a mistake of the program, not yours. SLUICE_DEBUG=1 shows where it happened.");
}

/** Two signals closer than this are one Ctrl-C that came by two ways. */
const SAME_SIGNAL_MS = 500;

/** Runs with a context that SIGINT or SIGTERM cancels. A second one ends the program at once, with status 130. */
export async function interruptible<T>(run: (ctx: Context) => Promise<T>): Promise<T> {
  const [ctx, cancel] = withCancel(background());
  let first = 0;
  const onSignal = (): void => {
    if (first === 0) {
      first = performance.now();
      process.stderr.write("\nStopping: finishing the chunks in flight (Ctrl-C again to quit at once)\n");
      cancel();
    } else if (performance.now() - first > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await run(ctx);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    cancel();
  }
}
