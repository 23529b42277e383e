// @sluice/go/pprof: the activity of a program, and its use of time and memory, in the form of Go's
// runtime/pprof and net/http/pprof, and as metrics.

export { recordStacks } from "./internal/stacks.ts";
export {
  blockProfile,
  type ContentionOptions,
  mutexProfile,
  setBlockProfileRate,
  setMutexProfileFraction,
} from "./pprof/contention.ts";
export { type CPUProfile, type CPUProfileOptions, startCPUProfile, stopCPUProfile } from "./pprof/cpu.ts";
export { goroutineLeakProfile, goroutineProfile, metrics } from "./pprof/goroutines.ts";
export { handler, type Request, type Response } from "./pprof/handler.ts";
export {
  heapProfile,
  type HeapKind,
  type HeapProfile,
  type HeapProfileOptions,
  startHeapProfile,
  stopHeapProfile,
} from "./pprof/heap.ts";
export { forLabels, label, labels, type LabelSet, run as do, setGoroutineLabels, withLabels } from "./pprof/labels.ts";
