// Standard output of a command whose work counts more than what it prints: if nothing can be
// written, the work continues, and its result is said on standard error. Names and values of files,
// and what a database says, can steer no terminal.
import { SluiceError } from "../errors.ts";
import { inLines } from "../printable.ts";

/** True if the writer waits for the outcome, and so deals with a failure itself. */
let awaited = false;
/** The reason why standard output takes nothing any more. */
let lost: string | undefined;

/**
 * Takes failures of standard output and standard error from here on, and makes what the console
 * prints harmless. A reader that has seen enough (`| head`) ends the program as having done its
 * work; a full disk ends it with 1. What goes through `print` is its caller's concern, and messages
 * that nobody can read stop nothing.
 */
export function guardOutput(): void {
  for (const name of ["log", "error"] as const) {
    const write = console[name].bind(console);
    console[name] = (text: unknown) => write(inLines(String(text)));
  }
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (awaited) return;
    if (error.code === "EPIPE") process.exit(0);
    console.error(`error: standard output cannot be written: ${error.message}`);
    process.exit(1);
  });
}

/**
 * Writes a line, or several.
 * @throws SluiceError (`output_lost`) if that cannot be: the disk is full, nobody reads any more
 */
export function print(text: string): Promise<void> {
  awaited = true;
  return new Promise((resolve, reject) => {
    process.stdout.write(`${inLines(text)}\n`, (error) => {
      if (!error) return resolve();
      lost ??= "code" in error && error.code === "EPIPE" ? "its reader has gone" : error.message;
      reject(
        new SluiceError("output_lost", `the result cannot be written to standard output: ${lost}`, { cause: error }),
      );
    });
  });
}
