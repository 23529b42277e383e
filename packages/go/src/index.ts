// @sluice/go: goroutines, channels and select. The other packages of the library have separate
// entry points.

export { daemon, defer, go, goexit, gosched, main, numGoroutine, recoverable } from "./go.ts";
export { chan } from "./chan.ts";
export type { Chan, Received, RecvChan, SendChan, TryReceived } from "./chan.ts";
export { otherwise, recv, select, send, timeout } from "./select.ts";
export type { Case, OtherwiseCase, RecvCase, Selected, SelectedAt, SendCase, TimeoutCase } from "./select.ts";
