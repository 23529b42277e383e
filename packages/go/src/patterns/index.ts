// @sluice/go/patterns: the concurrency patterns of the Go guides, over channels. stage.ts describes
// the life of a stage, its end and the way of its errors.

export { batch, unbatch } from "./batch.ts";
export { Breaker, BreakerOpenError } from "./breaker.ts";
export type { BreakerOptions, BreakerState } from "./breaker.ts";
export { stage } from "./custom.ts";
export type { CustomOptions, StageBody } from "./custom.ts";
export { generate } from "./generate.ts";
export { groupBy, partition } from "./group.ts";
export type { GroupOptions, KeyGroup } from "./group.ts";
export { heal, UnhealthyError } from "./heal.ts";
export type { HealOptions, Ward } from "./heal.ts";
export { hedge } from "./hedge.ts";
export type { HedgeOptions } from "./hedge.ts";
export { conflate, debounce, sample, throttle } from "./latest.ts";
export { bridge, buffer, fanOut, merge, or, orDone, take, tee } from "./merge.ts";
export type { BufferOptions } from "./merge.ts";
export { every, heartbeat, rateLimit } from "./rate-limit.ts";
export type { Limit } from "./rate-limit.ts";
export { Pool } from "./pool.ts";
export type { PoolOptions } from "./pool.ts";
export { replicate } from "./replicate.ts";
export type { Workers } from "./stage.ts";
export type { Emitter } from "./streams.ts";
export { fromEvent, toReadableStream, toWritableStream } from "./streams.ts";
export { filter, flatMap, forEach, map, ordered, reduce, workerPool } from "./transform.ts";
export type { Fn } from "./transform.ts";
export { window } from "./window.ts";
export type { Window, WindowOptions } from "./window.ts";
export { workList } from "./work-list.ts";
export type { Add } from "./work-list.ts";
