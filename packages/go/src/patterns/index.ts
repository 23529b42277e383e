// @sluice/go/patterns: the concurrency patterns of the Go guides, over channels. What a stage is, when it ends and where
// its errors go stands in stage.ts.

export { batch } from "./batch.ts";
export { generate } from "./generate.ts";
export { merge } from "./merge.ts";
export type { Workers } from "./stage.ts";
export { filter, flatMap, forEach, map, ordered, workerPool } from "./transform.ts";
export type { Fn } from "./transform.ts";
