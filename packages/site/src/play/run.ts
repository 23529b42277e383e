// Runs a program in a worker of its own, and ends it.
//
// The worker is made of a blob, so it inherits the page's policy: no `eval`, no other host.

import { columnOf, COLUMNS, type Columns } from "../code/columns.ts";
import type { Message, PictureEvent } from "../code/messages.ts";
import { followsAwaits, MODULES } from "../code/runnable.ts";
import { moduleOf } from "../code/strip.ts";
import type * as Rewriter from "../race/rewriter.ts";

export interface Watcher {
  readonly output: (text: string) => void;
  readonly events: (events: readonly PictureEvent[]) => void;
  /** The program has ended by itself, with that status. */
  readonly exit: (status: number) => void;
}

/**
 * Runs a program of TypeScript, under the race detector if `meta` has `race`, and with recorded
 * stacks if it has `stacks`. The returned function stops it at once; after its end it does nothing.
 */
export function run(program: string, meta: readonly string[], root: URL, watcher: Watcher): () => void {
  let end: (() => void) | undefined;
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    end?.();
    gathered.end();
  };
  const gathered = new Gathered(watcher);
  const exit = (status: number, text = ""): void => {
    if (isOver) return;
    if (text !== "") gathered.output(`${text}\n`);
    stop();
    watcher.exit(status);
  };
  moduleFor(program, meta, root)
    .then((module) => {
      if (!isOver) end = start(module, gathered, exit);
      return undefined;
    })
    .catch((error: unknown) => exit(1, (error as Error).message));
  return stop;
}

/** Milliseconds in which messages of a program are gathered. */
const GATHER = 30;

/**
 * Gathers what a program tells, since each change of the page takes time, and a program may print
 * ten thousand lines a second. Without it the page did not answer for nine seconds then.
 */
class Gathered {
  readonly #watcher: Watcher;
  #text = "";
  #events: PictureEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  output(text: string): void {
    this.#text += text;
    this.#soon();
  }

  events(events: readonly PictureEvent[]): void {
    this.#events.push(...events);
    this.#soon();
  }

  /** Hands on the last of it. What comes after that is of a program that was stopped. */
  end(): void {
    clearTimeout(this.#timer);
    this.#flush();
    this.#isOver = true;
  }

  #flush(): void {
    this.#timer = undefined;
    const [text, events] = [this.#text, this.#events];
    this.#text = "";
    this.#events = [];
    if (this.#isOver) return;
    if (text !== "") this.#watcher.output(text);
    if (events.length > 0) this.#watcher.events(events);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#flush(), GATHER);
  }
}

interface Changed {
  readonly code: string;
  /** The columns of the changes, the last one first. */
  readonly changes: readonly Columns[];
  /** The line before the code. */
  readonly before: string;
}

/** The program's module. Throws an Error that says why there is none. */
async function moduleFor(program: string, meta: readonly string[], root: URL): Promise<Changed> {
  const isRace = meta.includes("race");
  const hasProbes = isRace || followsAwaits(program);
  const folder = hasProbes ? "race" : "programs";
  const addressOf = (name: string): string => new URL(`assets/${folder}/${name}.js`, root).href;
  let { code, columns } = moduleOf(program, addressOf);
  const changes = [columns];
  if (hasProbes) {
    const { probed } = await rewriter();
    ({ code, columns } = probed(code, addressOf("go/race/probe"), isRace));
    changes.unshift(columns);
  }
  const names = ["host", "start"];
  if (hasProbes) names.push(isRace ? "race" : "follow");
  if (meta.includes("stacks")) names.push("stacks");
  const imports = names.map((name) => `import ${JSON.stringify(addressOf(name))};`).join("");
  const before = `${imports}globalThis[Symbol.for("${COLUMNS}")]=${JSON.stringify(changes)};`;
  return { code, changes, before };
}

function start(module: Changed, gathered: Gathered, exit: (status: number, text?: string) => void): () => void {
  const after = `globalThis[Symbol.for("@sluice/site: evaluated")]();`;
  // One line comes before the program: worker/start.ts counts without it.
  const blob = new Blob([`${module.before}\n${module.code}\n;${after}`], { type: "text/javascript" });
  const address = URL.createObjectURL(blob);
  const worker = new Worker(address, { type: "module", name: "main.ts" });
  worker.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "output") gathered.output(data.text);
    else if (data.kind === "events") gathered.events(data.events);
    else exit(data.status);
  });
  // The module does not begin: its text is not JavaScript, or a file of the site is missing.
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    mistakeIn(module)
      .then((text) => exit(1, text))
      .catch((error: unknown) => exit(1, (error as Error).message));
  });
  return () => {
    worker.terminate();
    URL.revokeObjectURL(address);
  };
}

/** Why a module does not begin. A browser does not say it of a worker's module. */
async function mistakeIn({ code, changes }: Changed): Promise<string> {
  const { mistakeIn, importsOf } = await rewriter();
  const place = (line: number, column: number): string => `main.ts(${line},${columnOf(line, column, changes)})`;
  const mistake = mistakeIn(code);
  if (mistake !== undefined) return `${place(mistake.line, mistake.column)}: ${mistake.what}`;
  for (const { name, from, line, column } of importsOf(code)) {
    const exported = await namesOf(from);
    if (exported === undefined) return MISSING;
    if (!exported.includes(name))
      return `${place(line, column)}: The module "${moduleAt(from)}" exports no "${name}". If that is a type, import it with "type".`;
  }
  return MISSING;
}

/** The names that a module of the site exports; `undefined` if its file is missing. */
function namesOf(address: string): Promise<readonly string[] | undefined> {
  // In a worker, because a module may change the page.
  const text = `import * as all from ${JSON.stringify(address)};postMessage(Object.keys(all));`;
  const blob = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(blob, { type: "module" });
  const { promise, resolve } = Promise.withResolvers<readonly string[] | undefined>();
  worker.addEventListener("message", ({ data }: MessageEvent<readonly string[]>) => resolve(data));
  worker.addEventListener("error", () => resolve(undefined));
  return promise.finally(() => {
    worker.terminate();
    URL.revokeObjectURL(blob);
  });
}

/** The module of the library that a program imports by that address. */
function moduleAt(address: string): string {
  const found = Object.entries(MODULES).find(([, file]) => address.endsWith(`/${file}.js`));
  return found?.[0] ?? address;
}

const MISSING = "The program could not be loaded, because a file of this site is missing. Load the page again.";

function rewriter(): Promise<Pick<typeof Rewriter, "importsOf" | "mistakeIn" | "probed">> {
  return import("../race/rewriter.ts").catch(() => {
    throw new Error(MISSING);
  });
}
