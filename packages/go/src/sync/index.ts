// @sluice/go/sync: what Go's package sync offers.

export { Mutex } from "./mutex.ts";
export type { Locker } from "./mutex.ts";
export { WaitGroup } from "./waitgroup.ts";
