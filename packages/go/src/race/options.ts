// The options from outside the program: Go's GORACE, as in `GORACE="halt_on_error=1
// log_path=/tmp/race"`.

import { host } from "../internal/host.ts";

export interface Options {
  /** The exit status of a program in which races were found; 66 by default. */
  exitcode: number;
  /** True if the first race ends the program. */
  haltOnError: boolean;
  /**
   * `stderr`, `stdout`, or the beginning of a file's name, to which a dot and the process id are
   * added.
   */
  logPath: string;
  /** A prefix that is removed from each file's name. */
  stripPathPrefix: string;
  /** With 0 no stacks of earlier accesses are kept, only their places. */
  historySize: number;
}

/** Reads Go's notation. Throws for an unknown option or an invalid value. */
export function parseOptions(text: string): Options {
  const options: Options = { exitcode: 66, haltOnError: false, logPath: "stderr", stripPathPrefix: "", historySize: 1 };
  for (const part of text.split(/[\s:,]+(?=\w+=)|\s+$/).filter((part) => part !== "")) {
    const [, name = "", value = ""] = /^\s*(\w+)=(.*)$/.exec(part) ?? [];
    const number = (): number => {
      if (!/^\d+$/.test(value)) throw new Error(`GORACE: expected a whole number, got ${part}`);
      return Number(value);
    };
    if (name === "exitcode") options.exitcode = number();
    else if (name === "halt_on_error") options.haltOnError = number() !== 0;
    else if (name === "log_path") options.logPath = value;
    else if (name === "strip_path_prefix") options.stripPathPrefix = value;
    else if (name === "history_size") options.historySize = number();
    else if (name === "atexit_sleep_ms") number();
    else {
      throw new Error(
        `GORACE: unknown option ${part}: expected exitcode, halt_on_error, log_path, strip_path_prefix or history_size, each as name=value`,
      );
    }
  }
  return options;
}

export const options: Options = parseOptions(host.Deno === undefined ? (host.process?.env?.["GORACE"] ?? "") : "");
