// The record of a goroutine: its function, its wait, and its neighbours in the list of the living.
//
// Invariant: a record holds no value, no promise and no stack of its goroutine. So a goroutine that
// is parked on something unreachable costs only its record.

/** The function of a goroutine. */
export type Body = (...args: never[]) => unknown;

/** The activity of a goroutine, in the words of Go's dumps. */
export type State =
  | "running"
  | "runnable"
  | "sleep"
  | "chan receive"
  | "chan send"
  | "chan receive (nil chan)"
  | "chan send (nil chan)"
  | "select"
  | "select (no cases)"
  | "semacquire"
  | "sync.Mutex.Lock"
  | "sync.RWMutex.Lock"
  | "sync.RWMutex.RLock"
  | "sync.WaitGroup.Wait"
  | "sync.Cond.Wait"
  | "IO wait"
  | "parallel call"
  | "synctest.Run"
  | "synctest.Wait";

/** The stacks of the making of a goroutine and of its last parking, and the time of the latter. */
export interface Notes {
  readonly createdAt: string;
  /** The line of the stack for its `go` statement. */
  readonly place: string;
  parkedAt: string;
  /** The time on the monotonic clock; 0 if it never parked. */
  parkedSince: number;
  /** The time that g has been waiting, if that is at least a minute, in the form of dumps. */
  readonly waited: (g: Goroutine) => string;
  /**
   * The function that will end it. If that is collected while the goroutine lives, nothing can
   * resume the goroutine any more.
   */
  life: WeakRef<object> | undefined;
}

/** The number of waits in each state. */
export type States = Partial<Record<State, number>>;

// Fields that are only declared are set by the constructor. To define them before would take time,
// and bytes in a bundle.
export class Goroutine {
  declare readonly id: number;
  /** The function's name, or `""` as long as an anonymous one has no name: `nameOf` gives it. */
  declare name: string;
  /** Id and name of the goroutine whose `go` statement made this one; 0 for main. */
  declare readonly parent: number;
  declare readonly parentName: string;
  /** The present wait or the last one; `waits` tells which. */
  state: State = "runnable";
  /** The number of its waits in this library: one, except under `Promise.all` and the like. */
  waits = 0;
  /** The other waits, in addition to the one in `state`. */
  others: States | undefined = undefined;
  /** Known only while diagnostics are on. */
  notes: Notes | undefined = undefined;
  declare prev: Goroutine;
  declare next: Goroutine;

  constructor(id: number, name: string, parent: number, parentName: string) {
    this.id = id;
    this.name = name;
    this.parent = parent;
    this.parentName = parentName;
    this.prev = this;
    this.next = this;
  }
}

/** A goroutine, as a list of the living shows it. */
export interface Listed {
  readonly goroutine: Goroutine;
  state: State;
  /** Its other waits. */
  readonly others: States;
}
