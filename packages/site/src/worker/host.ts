// What Node gives a program and a worker of a page does not: `process`, `setImmediate`, and the
// knowledge that nothing is left that could still happen. With these the library reports panics and
// deadlocks here as it does in a terminal.
//
// Invariants: it is loaded before every other module, so that they all get its functions. It counts
// what can still wake the program (timers, immediates, what the browser does elsewhere). When
// nothing is left it emits `beforeExit`, and ends the program if that starts nothing new, as Node
// does.

type Listener = (told?: unknown) => void;

const listeners = new Map<string, Set<Listener>>();
/** The number of timers, immediates and reads that keep the program alive. */
let pending = 0;
let isChecking = false;
/** True if the program's module has been evaluated to its end. */
let isEvaluated = false;
let isOver = false;
let ended: ((status: number) => void) | undefined;
let print: (text: string) => void = () => undefined;
let inspected: (error: unknown) => string = String;

// Taken at load: a program may replace them.
const { setTimeout: later, clearTimeout: cancel, queueMicrotask: soon } = globalThis;

/** Numbers of Node's: an uncaught error, and a top-level await that never ends. */
const UNCAUGHT = 1;
const UNSETTLED = 13;

interface Process {
  readonly env: object;
  readonly argv: readonly string[];
  exitCode: number | undefined;
  readonly on: (event: string, listener: Listener) => void;
  readonly off: (event: string, listener: Listener) => void;
  readonly listenerCount: (event: string) => number;
  readonly stdout: { readonly write: (text: string) => void };
  readonly stderr: { readonly write: (text: string) => void };
  readonly exit: (status?: number) => never;
}

const process: Process = {
  env: {},
  argv: [],
  exitCode: undefined,
  on: (event, listener) => {
    let all = listeners.get(event);
    if (all === undefined) listeners.set(event, (all = new Set()));
    all.add(listener);
  },
  off: (event, listener) => void listeners.get(event)?.delete(listener),
  listenerCount: (event) => listeners.get(event)?.size ?? 0,
  stdout: { write: (text) => print(text) },
  stderr: { write: (text) => print(text) },
  exit: (status = process.exitCode ?? 0) => {
    emit("exit", status);
    return end(process.exitCode ?? status);
  },
};

/**
 * Runs the program as a process whose output goes to `write`, with errors as `inspect` shows them.
 * After `onEnd` the page must end the worker.
 */
export function beginProcess(
  write: (text: string) => void,
  inspect: (error: unknown) => string,
  onEnd: (status: number) => void,
): void {
  print = write;
  inspected = inspect;
  ended = onEnd;
  check();
}

/** Called by the last line of the program's module. */
export function evaluated(): void {
  isEvaluated = true;
  check();
}

function emit(event: string, told?: unknown): void {
  for (const listener of listeners.get(event) ?? []) listener(told);
}

/**
 * Ends the program: what it still prints is not shown, and the page ends the worker. It throws,
 * because Node's `exit` does not return either. A loop until then was tried and rejected: with many
 * programs at once the loops kept the page from ending them.
 */
function end(status: number): never {
  if (!isOver) ended?.(status);
  isOver = true;
  print = () => undefined;
  close();
  throw new Error(`the program has ended with status ${status}`);
}

/** Looks after the present turn of the event loop whether anything can still happen. */
function check(): void {
  if (pending > 0 || isChecking || isOver) return;
  isChecking = true;
  later(() => {
    isChecking = false;
    if (pending > 0) return;
    emit("beforeExit");
    // Listeners may have started new work. If so, the check comes after that.
    later(() => {
      if (pending > 0 || isChecking) return;
      const status = isEvaluated ? (process.exitCode ?? 0) : UNSETTLED;
      process.exitCode = status;
      emit("exit", status);
      if (process.exitCode === UNSETTLED) print("Warning: Detected unsettled top-level await\n");
      end(process.exitCode);
    }, 0);
  }, 0);
}

/** A timer as Node has it: an object, which may let the program end before it fires. */
class Timer {
  #id: number | undefined;
  #isCounted = true;
  readonly #repeats: boolean;

  constructor(fn: (...args: unknown[]) => void, ms: number | undefined, repeats: boolean, args: unknown[]) {
    this.#repeats = repeats;
    pending++;
    const fire = (): void => {
      if (this.#repeats) this.#id = later(fire, ms);
      else this.#release();
      fn(...args);
    };
    this.#id = later(fire, ms);
  }

  ref(): this {
    if (!this.#isCounted && this.#id !== undefined) pending++;
    this.#isCounted ||= this.#id !== undefined;
    return this;
  }

  unref(): this {
    this.#count();
    return this;
  }

  clear(): void {
    cancel(this.#id);
    this.#release();
  }

  #release(): void {
    this.#id = undefined;
    this.#count();
  }

  #count(): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    pending--;
    // A microtask: the callback of a timer may set the next one.
    if (pending === 0) soon(check);
  }
}

const clear = (timer: unknown): void => {
  if (timer instanceof Timer) timer.clear();
};

/**
 * Immediates run in order, each round in a separate turn of the event loop. A round trip of a
 * message takes two turns, so that unhandled rejections of the present one are told before.
 */
let immediates: (() => void)[] = [];
const turn = new MessageChannel();
turn.port1.addEventListener("message", () => turn.port1.postMessage(undefined));
turn.port2.addEventListener("message", () => {
  const due = immediates;
  immediates = [];
  for (const run of due) {
    pending--;
    run();
  }
  if (pending === 0) soon(check);
});
turn.port1.start();
turn.port2.start();

/**
 * Marked as a test framework marks its timers. The library then counts operations instead of
 * looking at the clock, so a program takes the same steps however busy the machine is.
 */
const setTimeout = Object.assign(
  (fn: () => void, ms?: number, ...args: unknown[]): Timer => new Timer(fn, ms, false, args),
  { clock: true },
);

Object.assign(globalThis, {
  process,
  setTimeout,
  setInterval: (fn: () => void, ms?: number, ...args: unknown[]) => new Timer(fn, ms, true, args),
  clearTimeout: clear,
  clearInterval: clear,
  setImmediate: (fn: (...args: unknown[]) => void, ...args: unknown[]) => {
    pending++;
    immediates.push(() => fn(...args));
    if (immediates.length === 1) turn.port2.postMessage(undefined);
  },
});

/** Keeps the program alive until a promise is settled, as Node does with what it reads. */
function counted<T>(promise: Promise<T>): Promise<T> {
  pending++;
  return promise.finally(() => {
    pending--;
    if (pending === 0) soon(check);
  });
}

const { fetch: request } = globalThis;
globalThis.fetch = async (...args) => {
  try {
    return await request(...args);
  } catch (error) {
    // The browser says a turn later that the policy has refused it, and the error may end the
    // program.
    await new Promise((resolve) => later(resolve, 0));
    throw error;
  }
};

/** What a browser does outside of this thread, which may take many turns on a busy machine. */
const OUTSIDE: readonly (readonly [owner: object | undefined, names: readonly string[]])[] = [
  [Blob.prototype, ["arrayBuffer", "bytes", "text"]],
  [Response.prototype, ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]],
  [globalThis, ["fetch", "createImageBitmap"]],
  // A page of an unsafe address has none.
  [globalThis.SubtleCrypto?.prototype, Object.keys(globalThis.SubtleCrypto?.prototype ?? {})],
];
for (const [owner, names] of OUTSIDE) {
  if (owner === undefined) continue;
  const methods = owner as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const name of names) {
    const method = methods[name];
    if (method === undefined) continue;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      return counted(method.apply(this, args));
    };
  }
}

/** The bytes of each part of a blob's stream. */
const PART = 1_048_576;

// Made of reads that are counted, however the stream is read.
Blob.prototype.stream = function (this: Blob): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull: async (controller) => {
      const part = await this.slice(at, (at += PART)).arrayBuffer();
      if (part.byteLength > 0) controller.enqueue(new Uint8Array(part));
      if (at >= this.size) controller.close();
    },
  });
};

const fail = (error: unknown): void => {
  if (isOver) return;
  emit("uncaughtExceptionMonitor", error);
  print(`${error instanceof Error ? inspected(error) : String(error)}\n`);
  try {
    process.exit(UNCAUGHT);
  } catch {
    // It has ended. The browser would tell the page of an error that a listener of errors throws.
  }
};
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error);
});
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  if (isOver) return;
  if (process.listenerCount("unhandledRejection") > 0) emit("unhandledRejection", reason);
  else fail(reason);
});
// A browser does not tell the program why a request fails. It may do so once for each policy.
const refused = new Set<string>();
globalThis.addEventListener("securitypolicyviolation", ({ blockedURI }) => {
  if (!URL.canParse(blockedURI) || refused.has(blockedURI)) return;
  refused.add(blockedURI);
  print(`refused: a program in the page cannot reach ${blockedURI}\n`);
});
