// What a failure says. Every message names what is wrong, where, what was expected and what to do next; the code is stable,
// and the exit code is the command line's.
import { SheetError } from "@sluice/sheets";

/** 1: the import failed. 2: it was asked for wrongly. 4: it was finished before. 130: it was interrupted. */
export type FailureExit = 1 | 2 | 4 | 130;

/** The code of what was given up since the work was to stop. */
export const INTERRUPTED = "interrupted";

/** A failure of an import as a whole. (A bad row is not a failure: it is a {@link Reject}.) */
export class SluiceError extends Error {
  /** Stable, for programs: `connection_refused`, `missing_column`, … All of them are listed in the README. */
  readonly code: string;
  readonly exitCode: FailureExit;

  constructor(code: string, message: string, options?: { exitCode?: FailureExit; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SluiceError";
    this.code = code;
    this.exitCode = options?.exitCode ?? 1;
  }
}

/** Whether something was given up since the work was to stop. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof SluiceError && error.code === INTERRUPTED;
}

/** A call that cannot mean anything: exit code 2. */
export function usageError(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { exitCode: 2 });
}

/** The code and text of anything thrown, for people and for JSON. Never a stack. */
export function describeError(error: unknown): { code: string; message: string; exitCode: FailureExit } {
  if (error instanceof SluiceError) return { code: error.code, message: error.message, exitCode: error.exitCode };
  if (error instanceof SheetError) {
    const { code, file } = error;
    const message = asFlags(error.message);
    return {
      code,
      message: file === undefined || message.includes(file) ? message : `${file}: ${message}`,
      exitCode: code === "bad_option" ? 2 : 1,
    };
  }
  if (error instanceof Error) {
    const code = "code" in error && typeof error.code === "string" ? error.code : "internal";
    return { code, message: error.message, exitCode: 1 };
  }
  return { code: "internal", message: String(error), exitCode: 1 };
}

/** What the reader says of its options, with the names that they have on the command line. */
export function asFlags(text: string): string {
  return text
    .replaceAll(/the option (encoding|delimiter)\b/g, "--$1")
    .replaceAll("(option quote)", "(--quote none)")
    .replaceAll("csv.delimiter", "--delimiter")
    .replaceAll("csv.quote", "--quote");
}

/** A failure to read a file, with what the user calls that. */
export function renamed(error: unknown, path: string, name: string): unknown {
  if (!(error instanceof SheetError) || path === name) return error;
  return new SheetError(error.code, error.message.replaceAll(path, name), { ...error.toJSON(), file: name });
}

/** What a promise rejects with, or undefined. */
export async function failureOf(outcome: Promise<unknown>): Promise<unknown> {
  try {
    await outcome;
    return undefined;
  } catch (error) {
    return error ?? new Error("unknown failure");
  }
}
