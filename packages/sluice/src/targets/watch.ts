// Finds connections that are dead without anybody having said so: a cable, a firewall or a proxy that swallows what is sent.
//
// TCP notices that late, or never where a proxy answers for the server. So every connection with a statement on which nothing has
// moved for a while is asked after, over a new one: where the server is not at work on that statement, nothing will ever come, and
// the connection is cut. Its statement then fails like any that loses its connection. One that waits for a lock is at work, and may
// wait for ever.
import type { Socket } from "node:net";

/** A connection on which a statement runs. */
export interface Watched {
  readonly pid: number;
  readonly socket: Socket;
}

export class Watch {
  readonly #intervalMs: number;
  readonly #atWork: (pids: readonly number[]) => Promise<ReadonlySet<number>>;
  /** The bytes that had gone over each at the last look; −1 where there has been none. */
  readonly #seen = new Map<Watched, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  /** @param atWork which of these backends are at work on a statement; rejects where the server cannot be asked */
  constructor(intervalMs: number, atWork: (pids: readonly number[]) => Promise<ReadonlySet<number>>) {
    this.#intervalMs = intervalMs;
    this.#atWork = atWork;
  }

  /** Watches a connection until disposed. */
  over(connection: Watched): Disposable {
    this.#seen.set(connection, -1);
    this.#timer ??= setInterval(() => void this.#look(), this.#intervalMs).unref();
    return {
      [Symbol.dispose]: () => {
        this.#seen.delete(connection);
        if (this.#seen.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const still: Watched[] = [];
    for (const [connection, before] of this.#seen) {
      const now = connection.socket.bytesRead + connection.socket.bytesWritten;
      if (now === before) still.push(connection);
      this.#seen.set(connection, now);
    }
    if (still.length > 0) {
      const alive = await this.#atWork(still.map(({ pid }) => pid)).catch(() => new Set<number>());
      for (const connection of still) {
        const { socket, pid } = connection;
        const moved = socket.bytesRead + socket.bytesWritten !== this.#seen.get(connection);
        if (alive.has(pid) || moved || !this.#seen.has(connection)) continue;
        socket.destroy(Object.assign(new Error("nothing comes through any more"), { code: "ETIMEDOUT" }));
      }
    }
    this.#looking = false;
  }
}
