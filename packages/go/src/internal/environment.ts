// The environment variable SLUICE_STACKS=1: it records stacks without a change of the program, as
// Go's GOTRACEBACK does.
//
// The recorder is loaded only if the variable is set, so bundles stay small. A bundle has no file
// to load, so it shows no hint.

import { observer } from "./hooks.ts";
import { host } from "./host.ts";

/** Deno would ask its user for permission. */
const variables = host.Deno === undefined ? host.process?.env : undefined;
const file = /internal\/environment(\.[jt]s)$/.exec(import.meta.url);
let done = false;

/** The value of a variable of the environment. */
export function variable(name: string): string {
  return variables?.[name] ?? "";
}

interface Modules {
  readonly createRequire: (from: string) => (file: string) => { recordStacks: (on: boolean) => void };
}

/**
 * Records stacks from now on if the environment asks for it. It is called before anything could be
 * recorded.
 */
export function heedEnvironment(): void {
  if (done) return;
  done = true;
  if (["", "0"].includes(variable("SLUICE_STACKS"))) return;
  try {
    const modules = host.process?.getBuiltinModule?.("node:module") as Modules;
    modules
      .createRequire(import.meta.url)(`./stacks${file?.[1]}`)
      .recordStacks(true);
  } catch {
    // Not possible: the engine does not `require` modules, or this is a bundle.
  }
}

/** A hint how to get stacks in the next report, for a report without stacks. */
export function stacksHint(): string {
  const useless = observer !== undefined || variables === undefined || file === null;
  return useless ? "" : "\n(SLUICE_STACKS=1 in the environment adds files and lines)\n";
}
