// SLUICE_STACKS=1 in the environment: stacks are recorded without a change of the program, as by
// Go's GOTRACEBACK.
//
// What records them is loaded only then, so that it takes no room in bundles; a bundle has no file
// to load, and no hint.

import { observer } from "./hooks.ts";
import { host } from "./host.ts";

/** Deno would ask its user. */
const variables = host.Deno === undefined ? host.process?.env : undefined;
const file = /internal\/environment(\.[jt]s)$/.exec(import.meta.url);
let done = false;

interface Modules {
  readonly createRequire: (from: string) => (file: string) => { recordStacks: (on: boolean) => void };
}

/**
 * Records stacks from now on if the environment asks for it. Called before anything that would be
 * recorded.
 */
export function heedEnvironment(): void {
  if (done) return;
  done = true;
  if (["", "0"].includes(variables?.["SLUICE_STACKS"] ?? "")) return;
  try {
    const modules = host.process?.getBuiltinModule?.("node:module") as Modules;
    modules
      .createRequire(import.meta.url)(`./stacks${file?.[1]}`)
      .recordStacks(true);
  } catch {
    // an engine that does not `require` modules, or a bundle
  }
}

/** How to have stacks in the next report, for the end of one that has none. */
export function stacksHint(): string {
  const useless = observer !== undefined || variables === undefined || file === null;
  return useless ? "" : "\n(SLUICE_STACKS=1 in the environment adds files and lines)\n";
}
