// The order that the operations of /parallel create, between the goroutines of one thread and of
// several. places.ts has the clocks.
//
// A task starts after its call, and its result comes after all that it did. A wait that another
// goroutine ends is after what that one did before. Locks, wait groups, onces and conditions order
// as those of /sync do, and a channel as one of a single thread does: by a place for each slot of
// its buffer, or by the cells of those who meet.

import type * as Numbers from "../atomic.ts";
import { addCrossings } from "../internal/crossings.ts";
import { around } from "../internal/patch.ts";
import "../parallel/shared-atomic.ts";
import { LIFE, self, slotAt, SLOTS_USED, STARTING, UNUSED, words } from "../parallel/arena.ts";
import { wrapAmbassador } from "../parallel/codec.ts";
import { HEAD as FIRST, IS_CLOSED, SharedChannel } from "../parallel/shared-chan.ts";
import { SharedMutex } from "../parallel/shared-mutex.ts";
import { ID, type SharedObject } from "../parallel/shared-object.ts";
import { SharedCond, SharedOnce, SharedRWMutex, SharedWaitGroup } from "../parallel/shared-sync.ts";
import { acquiring, releasing, standIn } from "./edges.ts";
import { collectIn, followHere, isFirst, newId, Place, races, usePool } from "./places.ts";
import { shareMemory } from "./probe.ts";
import { countWith, haltWithOthers } from "./report.ts";
import { acquire, me, newSlot, release, releaseOnly, Thread, threadOf } from "./threads.ts";

/** Records the order of these operations, from now on. */
export function followThreads(): void {
  collectIn(new Thread(0, newSlot(), new Uint32Array(0), undefined));
  usePool({
    last: () => (self === 0 ? 1 : Atomics.load(words, SLOTS_USED)),
    hasBegun: (thread) => ![UNUSED, STARTING].includes(Atomics.load(words, slotAt(thread) + LIFE)),
  });
  followHere();
  countWith(races, !isFirst);
  // A worker can end only itself.
  process.on("worker", (worker) => worker.on("exit", haltWithOthers));
  followCells();
  followChannel();
  followMutex();
  followRWMutex();
  followOthers();
  followNumbers();
  // Two threads have no name for one element that both know.
  shareMemory(() => (self === 0 ? undefined : placeOf(memoryKey)));
}

const memoryKey = 0x7fffffff;
const places = new Map<number, Place>();

function placeOf(key: number): Place {
  let place = places.get(key);
  if (place === undefined) places.set(key, (place = new Place(key)));
  return place;
}

// The parts of an object that are places of their own.
const WHOLE = 0;
const READERS = 1;
const CLOSED = 2;
const HANDED = 3;
const SLOTS = 4;
/** A channel with more slots has one place for several of them. */
const most = 59;

function partOf({ memory }: { readonly memory: Int32Array }, part: number): Place {
  return placeOf((memory[ID] as number) * 64 + part + 1);
}

/** What goes into a cell, and what comes out of it. */
function cellOf(cell: number, isAnswer: boolean): Place {
  return placeOf(-(cell * 2 + (isAnswer ? 1 : 0)) - 1);
}

/** The goroutine that waits in each cell of this thread. */
const waiting = new Map<number, Thread>();
/** The cell whose wait the present operation of a channel has ended. */
let claimed = 0;

function followCells(): void {
  addCrossings({
    queued: (cell) => {
      waiting.set(cell, me());
      releaseOnly(cellOf(cell, false));
    },
    began: (cell) => acquire(cellOf(cell, false)),
    claimed: (cell) => {
      claimed = cell;
    },
    answered: (cell, _, g) => releaseOnly(cellOf(cell, true), threadOf(g)),
    continued: (cell) => acquire(cellOf(cell, true), waiting.get(cell)),
  });
}

function followChannel(): void {
  const { prototype } = SharedChannel as unknown as { prototype: SharedChannel<unknown> };
  for (const name of ["attemptSend", "attemptRecv"] as const) {
    around(prototype as unknown as Record<typeof name, (...args: never[]) => number>, name, (attempt) => {
      return function (this: SharedChannel<unknown>, ...args: never[]): number {
        const before = this.len;
        const at = (this.memory[FIRST] as number) + (name === "attemptSend" ? before : 0);
        const slot = this.size === 0 ? 0 : at % this.size;
        claimed = 0;
        const outcome = attempt.apply(this, args);
        if (outcome === IS_CLOSED) {
          if (name === "attemptRecv") acquire(partOf(this, CLOSED));
        } else if (this.size > 0) {
          const isFull = name === "attemptRecv" && claimed !== 0;
          if (isFull || this.len !== before) useSlot(this, slot);
          if (claimed !== 0) cellOf(claimed, false).passOn(isFull ? slotOf(this, slot) : partOf(this, HANDED));
        } else if (claimed !== 0) acquire(cellOf(claimed, false));
        return outcome;
      };
    });
  }
  around(prototype, "close", (close) => {
    return function (this: SharedChannel<unknown>) {
      release(partOf(this, CLOSED));
      close.call(this);
    };
  });
}

/** Orders the goroutine that uses a slot of the buffer after the one that used it last. */
function useSlot(channel: SharedChannel<unknown>, slot: number): void {
  const place = slotOf(channel, slot);
  acquire(place);
  // A value that was handed over is one that has gone through a slot, whichever.
  acquire(partOf(channel, HANDED));
  releaseOnly(place);
}

function slotOf(channel: SharedChannel<unknown>, slot: number): Place {
  return partOf(channel, SLOTS + (slot % most));
}

function followMutex(): void {
  around(SharedMutex.prototype, "lock", (lock) => {
    return function (this: SharedMutex) {
      return acquiring(partOf(this, WHOLE), () => lock.call(this));
    };
  });
  around(SharedMutex.prototype, "tryLock", (tryLock) => {
    return function (this: SharedMutex) {
      const guard = tryLock.call(this);
      if (guard !== undefined) acquire(partOf(this, WHOLE));
      return guard;
    };
  });
  around(SharedMutex.prototype, "unlock", (unlock) => {
    return function (this: SharedMutex) {
      releaseOnly(partOf(this, WHOLE));
      unlock.call(this);
    };
  });
}

function followRWMutex(): void {
  const { prototype } = SharedRWMutex;
  const whole = (rw: SharedRWMutex): Place => partOf(rw, WHOLE);
  const readers = (rw: SharedRWMutex): Place => partOf(rw, READERS);
  around(prototype, "lock", (lock) => {
    return function (this: SharedRWMutex) {
      return acquiring(whole(this), () => acquiring(readers(this), () => lock.call(this)));
    };
  });
  around(prototype, "rLock", (rLock) => {
    return function (this: SharedRWMutex) {
      return acquiring(whole(this), () => rLock.call(this));
    };
  });
  for (const name of ["tryLock", "tryRLock"] as const) {
    around(prototype, name, (tryLock) => {
      return function (this: SharedRWMutex) {
        const guard = tryLock.call(this);
        if (guard !== undefined) acquire(whole(this));
        if (guard !== undefined && name === "tryLock") acquire(readers(this));
        return guard;
      };
    });
  }
  around(prototype, "unlock", (unlock) => {
    return function (this: SharedRWMutex) {
      releaseOnly(whole(this));
      unlock.call(this);
    };
  });
  around(prototype, "rUnlock", (rUnlock) => {
    return function (this: SharedRWMutex) {
      release(readers(this));
      rUnlock.call(this);
    };
  });
}

function followOthers(): void {
  around(SharedWaitGroup.prototype, "add", (add) => {
    return function (this: SharedWaitGroup, delta: number) {
      if (delta < 0) release(partOf(this, WHOLE));
      add.call(this, delta);
    };
  });
  for (const type of [SharedWaitGroup, SharedCond]) {
    around(type.prototype as { wait: (this: SharedObject) => Promise<void> }, "wait", (wait) => {
      return function (this: SharedObject) {
        return acquiring(partOf(this, WHOLE), () => wait.call(this));
      };
    });
  }
  for (const name of ["signal", "broadcast"] as const) {
    around(SharedCond.prototype, name, (wake) => {
      return function (this: SharedCond) {
        release(partOf(this, WHOLE));
        wake.call(this);
      };
    });
  }
  around(SharedOnce.prototype, "do", (call) => {
    return function (this: SharedOnce, fn: () => unknown) {
      const whole = partOf(this, WHOLE);
      return acquiring(whole, () => call.call(this, releasing(whole, fn)));
    };
  });
}

/** The numbers of /atomic get an id on their way to another thread. */
function followNumbers(): void {
  type Named = readonly [memory: SharedArrayBuffer, id: number | undefined];
  for (const name of ["Int32", "Uint32", "Int64", "Uint64", "Bool"] satisfies (keyof typeof Numbers)[]) {
    wrapAmbassador(name, ({ send, receive }) => ({
      send: (number: never, parcel) => {
        const memory = send(number, parcel) as SharedArrayBuffer;
        let place = standIn.get(memory);
        if (place === undefined) standIn.set(memory, (place = numberPlace(newId())));
        return [memory, idOf.get(place)] satisfies Named;
      },
      receive: ([memory, id]: Named, task: number) => {
        if (id !== undefined && !standIn.has(memory)) standIn.set(memory, numberPlace(id));
        return receive(memory as never, task);
      },
    }));
  }
}

const idOf = new WeakMap<object, number>();
const byId = new Map<number, Place>();

function numberPlace(id: number): Place {
  let place = byId.get(id);
  if (place === undefined) {
    // No part of an object has such a key.
    byId.set(id, (place = placeOf(id * 64)));
    idOf.set(place, id);
  }
  return place;
}
