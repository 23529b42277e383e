// Runs a program in a worker of its own, and ends it.
//
// The worker is made of a blob, so it inherits the page's policy: no `eval`, no other host.

import type { Message, PictureEvent } from "../code/messages.ts";
import { moduleOf } from "../code/strip.ts";

export interface Watcher {
  readonly output: (text: string) => void;
  readonly events: (events: readonly PictureEvent[]) => void;
  /** The program has ended by itself, with that status. */
  readonly exit: (status: number) => void;
}

/**
 * Runs a program of TypeScript. The returned function stops it at once; after its end it does
 * nothing.
 */
export function run(program: string, root: URL, watcher: Watcher): () => void {
  const addressOf = (name: string): string => new URL(`assets/programs/${name}.js`, root).href;
  let text: string;
  try {
    text = moduleOf(program, addressOf);
  } catch (error) {
    watcher.output(`${(error as Error).message}\n`);
    watcher.exit(1);
    return () => undefined;
  }
  // One line comes before the program: worker/start.ts and the listener below count without it.
  const before = ["host", "start"].map((name) => `import ${JSON.stringify(addressOf(name))};`).join("");
  const after = `globalThis[Symbol.for("@sluice/site: evaluated")]();`;
  const blob = new Blob([`${before}\n${text}\n;${after}`], { type: "text/javascript" });
  const address = URL.createObjectURL(blob);
  const worker = new Worker(address, { type: "module", name: "main.ts" });
  const stop = (): void => {
    worker.terminate();
    URL.revokeObjectURL(address);
  };
  worker.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "output") watcher.output(data.text);
    else if (data.kind === "events") watcher.events(data.events);
    else {
      stop();
      watcher.exit(data.status);
    }
  });
  // The module does not begin: its text is not JavaScript, or a file of the site is missing.
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    stop();
    const place = event.lineno > 1 ? `main.ts(${event.lineno - 1},${event.colno}): ` : "";
    watcher.output(`${place}${event.message || "The program could not be loaded."}\n`);
    watcher.exit(1);
  });
  return stop;
}
