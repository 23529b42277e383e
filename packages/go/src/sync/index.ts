// @sluice/go/sync: the types of Go's package sync.

export { Cond } from "./cond.ts";
export type { Locker } from "./hold.ts";
export { SyncMap } from "./map.ts";
export { Mutex } from "./mutex.ts";
export { Once, onceFunc, onceValue, onceValues } from "./once.ts";
export { Pool } from "./pool.ts";
export { RWMutex } from "./rwmutex.ts";
export { WaitGroup } from "./waitgroup.ts";
