// @sluice/go/race: a data race detector (after Go's, and FastTrack).
//
// `node --import @sluice/go/race/register app.ts` rewrites the program's modules while they load,
// and imports this file. Reports go to stderr in Go's format.
//
// A race here is two accesses of one location by different goroutines, at least one of them a
// write. No operation of this library and no promise orders the two. A read and a write of one
// location without an await between them are an atomic update. Atomic updates do not race with each
// other. The passing of time does not order anything.

import { reportTo } from "./detector.ts";
import { followOperations } from "./edges.ts";
import { options } from "./options.ts";
import * as probes from "./probe.ts";
import { followPromises } from "./promises.ts";
import { atExit, listenToRaces, reportRace } from "./report.ts";

let detecting = false;

/**
 * Detects races from now on, in modules that were rewritten. `/race/register` calls this. `follow`
 * learns the order that promises create.
 */
export function detect(follow: () => void = followPromises): void {
  if (detecting) return;
  detecting = true;
  (globalThis as Record<symbol, unknown>)[Symbol.for("@sluice/go: race probes")] = probes;
  reportTo(reportRace, options.historySize > 0);
  follow();
  followOperations();
  atExit();
}

/** A test framework's `afterEach`. */
export type Hook = (check: () => void) => unknown;

/**
 * Fails each test in which a race was found, with the report: `failTests(afterEach)`. Such a race
 * does not also change the exit status.
 */
export function failTests(afterEach: Hook): void {
  let found: string[] = [];
  listenToRaces((report) => found.push(report) > 0);
  afterEach(() => {
    if (found.length === 0) return;
    const text = found.join("\n");
    found = [];
    throw new Error(`race detected during execution of test\n${text}`);
  });
}

export { listenToRaces as onRace } from "./report.ts";
