// Looks after connections on which a statement runs and nothing moves: it finds out if they are
// dead, and whom they wait for.
//
// A connection can die without a message: a cable, a firewall or a proxy swallows what is sent. TCP
// notices that late, or never if a proxy answers for the server. So for every such connection the
// watch asks the server over a new one. If the server is not at work on that statement, nothing
// will ever come, and the watch cuts the connection. Its statement then fails like any that loses
// its connection.
//
// A connection that waits for a lock is at work, and may wait for ever: the watch passes on who
// holds the lock. Once the work is to stop, it cancels such statements, whenever they begin to
// wait. All others run to their end.
import type { Socket } from "node:net";
import { type Wait, isDatabaseError } from "../target.ts";
import type { Looked } from "./waits.ts";

/** A connection on which a statement runs. */
export interface Watched {
  readonly pid: number;
  readonly socket: Socket;
}

export interface WatchOptions {
  /** The time between two looks at a connection on which nothing moves. */
  readonly lookMs: number;
  /** The time after which a connection on which nothing moves can be dead. */
  readonly deadMs: number;
  /** Asks the server about backends, all of which are our own; rejects if it cannot be asked. */
  readonly look: (pids: readonly number[]) => Promise<ReadonlyMap<number, Looked>>;
  /** Cancels the statements of backends. */
  readonly cancel: (pids: readonly number[]) => Promise<unknown>;
  /**
   * Called with what statements wait for, each thing once, whenever that changes; with an empty
   * list when no statement waits any more.
   */
  readonly onWait: (waits: readonly Wait[]) => void;
}

/** The time between two looks once the work is to stop: somebody waits for it. */
const STOPPING_MS = 250;

/** The last look at a connection. */
interface Seen {
  /** The number of bytes that had gone over it; −1 if nobody has looked yet. */
  readonly bytes: number;
  /** The time since which that number is the same. */
  readonly since: number;
}

export class Watch {
  readonly #options: WatchOptions;
  /**
   * Goroutines share it without a lock: each adds and removes its own connections, and each walk
   * over it is one step. The race detector, which takes a Map for one place, is told so on each
   * line.
   */
  readonly #seen = new Map<Watched, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopping = false;
  /** The message that was passed on last, by its key. */
  #told = "";

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Watches a connection until disposed. */
  over(connection: Watched): Disposable {
    this.#seen.set(connection, { bytes: -1, since: performance.now() }); // race:ignore: see #seen
    this.#timer ??= this.#start();
    return {
      [Symbol.dispose]: () => {
        this.#seen.delete(connection); // race:ignore: see #seen
        if (this.#seen.size > 0) return; // race:ignore: see #seen
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#tell([]);
      },
    };
  }

  /** Cancels what waits for others, from now on. */
  stop(): void {
    this.#stopping = true;
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = this.#start();
    void this.#look();
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  #start(): NodeJS.Timeout {
    return setInterval(() => void this.#look(), this.#stopping ? STOPPING_MS : this.#options.lookMs).unref();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const still: Watched[] = [];
    const seen = [...this.#seen]; // race:ignore: see #seen
    for (const [connection, { bytes }] of seen) {
      const now = moved(connection);
      if (now === bytes || this.#stopping) still.push(connection);
      if (now === bytes) continue;
      this.#seen.set(connection, { bytes: now, since: performance.now() }); // race:ignore: see #seen
    }
    if (still.length > 0) await this.#ask(still);
    else this.#tell([]);
    this.#looking = false;
  }

  async #ask(still: readonly Watched[]): Promise<void> {
    const { look, cancel, deadMs } = this.#options;
    const begun = performance.now();
    const pids = [...this.#seen.keys()].map(({ pid }) => pid); // race:ignore: see #seen
    const looked = await look(pids).catch((error: unknown) =>
      // A server that says why it lets nobody in is alive, and so may its connections be.
      isDatabaseError(error) ? undefined : new Map<number, Looked>(),
    );
    if (!looked) return;
    const waits: Wait[] = [];
    const waiting: number[] = [];
    for (const connection of still) {
      const seen = this.#seen.get(connection); // race:ignore: see #seen
      if (!seen || moved(connection) !== seen.bytes) continue;
      const { atWork, wait } = looked.get(connection.pid) ?? { atWork: false, wait: undefined };
      if (wait) {
        waits.push(wait);
        waiting.push(connection.pid);
      } else if (!atWork && begun - seen.since >= deadMs) {
        connection.socket.destroy(Object.assign(new Error("nothing comes through any more"), { code: "ETIMEDOUT" }));
      }
    }
    this.#tell(waits);
    if (this.#stopping && waiting.length > 0) await cancel(waiting).catch(() => undefined);
  }

  #tell(waits: readonly Wait[]): void {
    // What the holder does meanwhile makes it no other wait.
    const byKey = new Map(waits.map((wait) => [`${wait.on} ${wait.holders.map(({ pid }) => pid).join(" ")}`, wait]));
    const key = [...byKey.keys()].sort().join("\n");
    // Once the work is to stop, nothing continues when a wait is over.
    if (key === this.#told || this.#stopping) return;
    this.#told = key;
    this.#options.onWait([...byKey.values()]);
  }
}

/** The bytes that have gone over a connection. */
function moved({ socket }: Watched): number {
  return socket.bytesRead + socket.bytesWritten;
}
