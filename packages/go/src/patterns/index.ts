// @sluice/go/patterns: the concurrency patterns of the Go guides, over channels. What a stage is, when it ends and where
// its errors go stands in stage.ts.

export { batch, unbatch } from "./batch.ts";
export { generate } from "./generate.ts";
export { bridge, buffer, fanOut, merge, or, orDone, take, tee } from "./merge.ts";
export { every, heartbeat, rateLimit } from "./pace.ts";
export type { Limit } from "./pace.ts";
export { replicate } from "./replicate.ts";
export type { Workers } from "./stage.ts";
export type { Emitter } from "./streams.ts";
export { fromEvent, toReadableStream, toWritableStream } from "./streams.ts";
export { filter, flatMap, forEach, map, ordered, reduce, workerPool } from "./transform.ts";
export type { Fn } from "./transform.ts";
