// Looks after connections on which a statement runs and nothing moves: whether they are dead, and whom they wait for.
//
// Dead without anybody having said so: a cable, a firewall or a proxy that swallows what is sent. TCP notices that late, or never where
// a proxy answers for the server. So every such connection is asked after, over a new one: where the server is not at work on that
// statement, nothing will ever come, and the connection is cut. Its statement then fails like any that loses its connection.
//
// One that waits for a lock is at work, and may wait for ever: who holds it is passed on. Once the work is to stop, such statements
// are cancelled, whenever they begin to wait; all others come to their end.
import type { Socket } from "node:net";
import { isDatabaseError } from "./row-fault.ts";
import type { Wait } from "./target.ts";
import type { Looked } from "./waits.ts";

/** A connection on which a statement runs. */
export interface Watched {
  readonly pid: number;
  readonly socket: Socket;
}

export interface WatchOptions {
  /** How often what does not move is looked at. */
  readonly lookMs: number;
  /** How long nothing must have moved on a connection before it can be dead. */
  readonly deadMs: number;
  /** Asks the server about backends, all of which are our own; rejects where it cannot be asked. */
  readonly look: (pids: readonly number[]) => Promise<ReadonlyMap<number, Looked>>;
  /** Cancels the statements of backends. */
  readonly cancel: (pids: readonly number[]) => Promise<unknown>;
  /** Told what statements wait for, each thing once, when that is another than before; of nothing when that is over. */
  readonly onWait: (waits: readonly Wait[]) => void;
}

/** How often it looks once the work is to stop: somebody waits for it. */
const STOPPING_MS = 250;

/** What was seen of a connection. */
interface Seen {
  /** How many bytes had gone over it; −1 where nobody has looked yet. */
  readonly bytes: number;
  /** Since when they are so many. */
  readonly since: number;
}

export class Watch {
  readonly #options: WatchOptions;
  readonly #seen = new Map<Watched, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #stopping = false;
  /** What was passed on last, by its key. */
  #told = "";

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Watches a connection until disposed. */
  over(connection: Watched): Disposable {
    this.#seen.set(connection, { bytes: -1, since: performance.now() });
    this.#timer ??= this.#start();
    return {
      [Symbol.dispose]: () => {
        this.#seen.delete(connection);
        if (this.#seen.size > 0) return;
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
    for (const [connection, { bytes }] of this.#seen) {
      const now = moved(connection);
      if (now === bytes || this.#stopping) still.push(connection);
      if (now !== bytes) this.#seen.set(connection, { bytes: now, since: performance.now() });
    }
    if (still.length > 0) await this.#ask(still);
    else this.#tell([]);
    this.#looking = false;
  }

  async #ask(still: readonly Watched[]): Promise<void> {
    const { look, cancel, deadMs } = this.#options;
    const begun = performance.now();
    const looked = await look([...this.#seen.keys()].map(({ pid }) => pid)).catch((error: unknown) =>
      // A server that says why it lets nobody in is alive, and so may its connections be.
      isDatabaseError(error) ? undefined : new Map<number, Looked>(),
    );
    if (!looked) return;
    const waits: Wait[] = [];
    const waiting: number[] = [];
    for (const connection of still) {
      const seen = this.#seen.get(connection);
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
    // Once the work is to stop, nothing goes on when a wait is over.
    if (key === this.#told || this.#stopping) return;
    this.#told = key;
    this.#options.onWait([...byKey.values()]);
  }
}

/** The bytes that have gone over a connection. */
function moved({ socket }: Watched): number {
  return socket.bytesRead + socket.bytesWritten;
}
