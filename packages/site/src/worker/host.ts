// What Node gives a program and a worker of a page does not: `process`, `setImmediate`, and the
// knowledge that nothing is left that could still happen. With these the library reports panics and
// deadlocks here as it does in a terminal.
//
// Invariants: it is loaded before every other module, so that they all get its functions. It counts
// what can still wake the program (timers, immediates, blobs that are read). When nothing is left
// it emits `beforeExit`, and ends the program if that starts nothing new, as Node does.

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

/** Runs the program as a process whose output goes to `write`. After
 * `onEnd` the page must end the worker. */
export function beginProcess(write: (text: string) => void, onEnd: (status: number) => void): void {
  print = write;
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
  const settle = (): void => {
    pending--;
    if (pending === 0) soon(check);
  };
  promise.then(settle, settle);
  return promise;
}

// A blob is read outside of this thread, which may take many turns on a busy machine.
const { stream: streamOf, text: textOf, arrayBuffer: bufferOf } = Blob.prototype;
Object.assign(Blob.prototype, {
  text(this: Blob) {
    return counted(textOf.call(this));
  },
  arrayBuffer(this: Blob) {
    return counted(bufferOf.call(this));
  },
  stream(this: Blob) {
    const stream = streamOf.call(this);
    const getReader = stream.getReader.bind(stream);
    return Object.assign(stream, {
      getReader: () => {
        const reader = getReader();
        const read = reader.read.bind(reader);
        return Object.assign(reader, { read: () => counted(read()) });
      },
    });
  },
});

const fail = (error: unknown): void => {
  if (isOver) return;
  emit("uncaughtExceptionMonitor", error);
  print(`${error instanceof Error ? error.stack : String(error)}\n`);
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
