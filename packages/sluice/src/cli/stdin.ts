// Standard input in place of a file: `-`.
import { afterFunc, type Context } from "@sluice/go/context";
import { spool, type Limits } from "@sluice/sheets";
import { usageError } from "../errors.ts";

/** The name that means it. */
export const STDIN = "-";
const STDIN_NAME = "stdin";

/** A file to read. */
export interface InputFile extends AsyncDisposable {
  /** The path of the file. */
  readonly path: string;
  /** The name that people know it by. */
  readonly name: string;
}

/**
 * The file of that name, or standard input, read to its end; undefined if Ctrl-C came before that.
 */
export async function openInput(
  ctx: Context,
  file: string,
  limits: Partial<Limits> = {},
): Promise<InputFile | undefined> {
  if (file !== STDIN) return { path: file, name: file, [Symbol.asyncDispose]: () => Promise.resolve() };
  const stopped = new AbortController();
  const stop = afterFunc(ctx, () => stopped.abort());
  try {
    const spooled = await spool(process.stdin, STDIN_NAME, { signal: stopped.signal, limits });
    return { path: spooled.path, name: STDIN_NAME, [Symbol.asyncDispose]: () => spooled[Symbol.asyncDispose]() };
  } catch (error) {
    if (ctx.err() === undefined) throw error;
    return undefined;
  } finally {
    stop();
  }
}

/** @throws SluiceError (`stdin_twice`) if standard input is to be read more than once */
export function checkFiles(files: readonly string[]): void {
  if (files.indexOf(STDIN) === files.lastIndexOf(STDIN)) return;
  throw usageError("stdin_twice", "standard input, -, can be read once only: name it once.");
}

/** The name of the file in messages. */
export function shownName(file: string): string {
  return file === STDIN ? STDIN_NAME : file;
}
