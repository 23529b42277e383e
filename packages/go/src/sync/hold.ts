// A hold on a lock: what a goroutine has after it has locked a Mutex or an RWMutex.
//
// Invariant: each lock call makes one hold. While the call waits, the hold is the value of its
// waiter. The caller disposes of it.

/** An object that can be locked and unlocked. */
export interface Locker {
  readonly lock: () => Promise<Disposable>;
  readonly unlock: () => void;
}

interface Lock {
  readonly drop: (hold: Hold) => void;
}

export class Hold implements Disposable {
  /** The number of the reading period to which this hold belongs; 0 if it is not a read lock. */
  reading = 0;
  readonly #lock: Lock;

  constructor(lock: Lock) {
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock.drop(this);
  }
}
