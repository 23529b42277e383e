// A trace in Chrome's trace-event format (JSON), which Perfetto and chrome://tracing open: made
// from what each thread has recorded.
//
// Each thread is a process of the format, with a track for each goroutine. One more process has the
// tracks of the threads themselves: the main thread, and the Ps of /parallel. A goroutine's track
// is a sequence of slices without gaps: `running`, `runnable`, or what it waits for. Wake-ups are
// flow arrows, also from one thread to another.

import type { State } from "../internal/goroutine.ts";
import {
  CONTINUES,
  COUNTERS,
  CREATED,
  ENDED,
  extraOf,
  IDLE,
  KNOWN,
  LEFT,
  kindOf,
  LOG,
  PARKED,
  PAUSES,
  REGION,
  REGION_END,
  RESUMED,
  RUNS,
  stateOf,
  TAKEN,
  TASK,
  TASK_END,
  WOKEN,
} from "./events.ts";
import type { Event, Snapshot } from "./ring.ts";

/** The recording of one thread. */
export interface Recorded extends Snapshot {
  readonly thread: string;
  /** The living goroutines, for those without any event. */
  readonly living: ReadonlyMap<number, { readonly name: string; readonly state: State }>;
}

/** An event of Chrome's format. Times are in microseconds. */
export interface ChromeEvent {
  readonly ph: "X" | "i" | "C" | "M" | "s" | "f" | "b" | "e";
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number | string;
  readonly bp?: "e";
  readonly s?: "t";
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: "ms";
  readonly traceEvents: readonly ChromeEvent[];
  readonly otherData: Readonly<Record<string, unknown>>;
}

/**
 * The process of the threads' own tracks; that of a thread's goroutines is its number from 1 on.
 */
const threadsPid = 0;
/**
 * The track of what wakes goroutines without being one: timers, and other callbacks of the host.
 */
const hostTid = 0;

/** A goroutine while its track is made. */
interface Track {
  readonly id: number;
  name: string;
  /**
   * The state of its open slice, and its start; `undefined` before it is known and after its end.
   */
  label: string | undefined;
  since: number;
  /** The number of times before it at which no code ran. */
  idles: number;
  /** The place at which it waits. */
  at: string | undefined;
  /** The waits that it has not left yet, and the number of those among them that are over. */
  waits: State[];
  woken: number;
  /** True if it is queued without a wait; true if it will run in a microtask. */
  pausing: boolean;
  queued: boolean;
  /** Arrows that end at its next run, and the goroutine that woke it. */
  arrows: number[];
  by: string | undefined;
  /** True if it is known already that another thread wakes it next. */
  isFromAfar: boolean;
  ended: boolean;
}

let lastArrow = 0;

/** The trace of everything from `from` to `to`, in milliseconds since 1970. */
export function chromeTrace(recorded: readonly Recorded[], from: number, to: number): ChromeTrace {
  lastArrow = 0;
  const events: ChromeEvent[] = [meta("process_name", threadsPid, 0, "threads")];
  const sent = sentBetween(recorded, from, to);
  // An arrow's beginning comes before its end, whichever thread is first.
  for (const { id, pid, g, at } of sent.values()) {
    events.push({ ph: "s", cat: "wake", name: "wake", id, pid, tid: g, ts: microseconds(at - from) });
  }
  for (const [i, one] of recorded.entries()) events.push(...new Thread(one, i + 1, from, to, sent).events());
  const cut = recorded.filter(({ isCut }) => isCut).map(({ thread }) => thread);
  return {
    displayTimeUnit: "ms",
    traceEvents: events,
    otherData: {
      clock: new Date(from).toISOString(),
      ...(cut.length > 0 && { "older events dropped": cut.join(", ") }),
    },
  };
}

/** What a goroutine has left for another thread. */
interface Sent {
  /** The number of the arrow. */
  readonly id: number;
  readonly pid: number;
  readonly g: number;
  readonly at: number;
  readonly thread: string;
}

/** What goroutines have left that another thread has got, by the number that both have. */
function sentBetween(recorded: readonly Recorded[], from: number, to: number): Map<number, Sent> {
  const all = recorded.flatMap(({ events, thread }, i) =>
    events
      .filter(({ at, code }) => at >= from && at <= to && [LEFT, TAKEN].includes(kindOf(code)))
      .map(({ at, code, g, a }) => ({ key: a, at, g, thread, pid: i + 1, isTaken: kindOf(code) === TAKEN })),
  );
  const taken = new Map(all.filter(({ isTaken }) => isTaken).map((event) => [event.key, event]));
  const sent = new Map<number, Sent>();
  for (const { key, at, g, thread, pid, isTaken } of all) {
    const end = isTaken ? undefined : taken.get(key);
    if (end === undefined || end.pid === pid) continue;
    // The clocks of two threads may differ a little.
    sent.set(key, { id: ++lastArrow, pid, g, at: Math.min(at, end.at), thread });
  }
  return sent;
}

/** Milliseconds in the format's unit. */
function microseconds(ms: number): number {
  return Math.round(ms * 1e6) / 1e3;
}

function meta(name: string, pid: number, tid: number, value: string | number): ChromeEvent {
  const key = name.endsWith("sort_index") ? "sort_index" : "name";
  return { ph: "M", name, pid, tid, ts: 0, args: { [key]: value } };
}

class Thread {
  readonly #recorded: Recorded;
  readonly #pid: number;
  readonly #from: number;
  readonly #to: number;
  readonly #sent: ReadonlyMap<number, Sent>;
  readonly #events: ChromeEvent[] = [];
  readonly #tracks = new Map<number, Track>();
  readonly #tasks = new Map<number, string>();
  readonly #regions = new Map<number, { readonly name: string; readonly g: number }>();
  #runner: Track | undefined;
  #idles = 0;
  #hasHost = false;

  constructor(recorded: Recorded, pid: number, from: number, to: number, sent: ReadonlyMap<number, Sent>) {
    this.#recorded = recorded;
    this.#pid = pid;
    this.#from = from;
    this.#to = to;
    this.#sent = sent;
  }

  events(): ChromeEvent[] {
    const { thread, living } = this.#recorded;
    for (const event of this.#recorded.events) if (event.at >= this.#from && event.at <= this.#to) this.#take(event);
    for (const [id, { state }] of living) {
      // It was in one wait all the time.
      if (!this.#tracks.has(id)) this.#open(this.#track(id, this.#from), state, this.#from);
    }
    this.#leave(this.#to);
    for (const track of this.#tracks.values()) this.#close(track, this.#to);
    const names = [...this.#tracks.values()].flatMap(({ id, name }) => [
      meta("thread_name", this.#pid, id, `G${id} ${name}`),
      meta("thread_sort_index", this.#pid, id, id),
    ]);
    if (this.#hasHost) names.push(meta("thread_name", this.#pid, hostTid, "timers and host"));
    return [
      meta("process_name", this.#pid, 0, `goroutines of ${thread}`),
      meta("process_sort_index", this.#pid, 0, this.#pid),
      meta("thread_name", threadsPid, this.#pid, thread),
      ...names,
      ...this.#events,
    ];
  }

  /** Microseconds since the beginning of the trace, so that numbers are short. */
  #ts(at: number): number {
    return microseconds(at - this.#from);
  }

  #text(place: number): string | undefined {
    return this.#recorded.text(place);
  }

  #track(id: number, at: number): Track {
    let track = this.#tracks.get(id);
    if (track === undefined) {
      track = {
        id,
        name: this.#recorded.living.get(id)?.name ?? "(unknown)",
        label: undefined,
        since: at,
        idles: this.#idles,
        at: undefined,
        waits: [],
        woken: 0,
        pausing: false,
        queued: false,
        arrows: [],
        by: undefined,
        isFromAfar: false,
        ended: false,
      };
      this.#tracks.set(id, track);
    }
    return track;
  }

  #take(event: Event): void {
    const { at, g } = event;
    const kind = kindOf(event.code);
    switch (kind) {
      case CREATED:
        return this.#created(event);
      case KNOWN:
        return this.#known(event);
      case PARKED:
        return this.#parked(event);
      case WOKEN: {
        const track = this.#track(g, at);
        track.woken++;
        return this.#letGoOn(track, event.a, at);
      }
      case RESUMED:
        return this.#resumed(event);
      case PAUSES:
      case CONTINUES:
        this.#track(g, at).pausing = kind === PAUSES;
        return;
      case LEFT:
        return;
      case TAKEN:
        return this.#taken(event);
      case RUNS:
        return this.#run(this.#track(g, at), at);
      case IDLE:
        this.#leave(at);
        this.#idles++;
        return;
      case ENDED: {
        const track = this.#named(event);
        track.ended = true;
        return this.#close(track, at);
      }
      default:
        this.#takeOther(kind, event);
    }
  }

  /** The track of a goroutine whose name is in the event. */
  #named({ at, g, b }: Event): Track {
    const track = this.#track(g, at);
    track.name = this.#text(b) ?? track.name;
    return track;
  }

  #created(event: Event): void {
    const track = this.#named(event);
    this.#open(track, "runnable", event.at);
    this.#arrow(event.a, track, event.at, "go");
  }

  /** The goroutine gets something from another thread. */
  #taken({ at, g, a }: Event): void {
    const sent = this.#sent.get(a);
    if (sent === undefined) return;
    const track = this.#track(g, at);
    track.by = `G${sent.g} on ${sent.thread}`;
    track.arrows.push(sent.id);
    if (track === this.#runner) this.#endArrows(track, at);
    track.isFromAfar = track.waits.length > 0;
  }

  /** The goroutine was there when the recording began. */
  #known(event: Event): void {
    const track = this.#named(event);
    const state = stateOf(event.code);
    if (state !== "running" && state !== "runnable" && state !== "IO wait" && state) track.waits.push(state);
    this.#open(track, state ?? "IO wait", event.at);
  }

  #parked({ at, code, g, b }: Event): void {
    const track = this.#track(g, at);
    track.waits.push(stateOf(code) as State);
    track.at = (b === 0 ? undefined : this.#text(b)) || undefined;
    if (track === this.#runner) this.#leave(at);
    else this.#open(track, labelOf(track), at);
  }

  #resumed({ at, code, g, a }: Event): void {
    const track = this.#track(g, at);
    const state = stateOf(code);
    if (track.label === undefined && !track.ended) {
      // The event at which the wait began was dropped.
      track.label = state;
      track.since = this.#recorded.events[0]?.at ?? at;
    }
    const wait = track.waits.indexOf(state as State);
    if (wait >= 0) track.waits.splice(wait, 1);
    track.queued = true;
    if (track.woken > 0) track.woken--;
    else this.#letGoOn(track, a, at);
  }

  /** Counters, tasks, regions and lines of the log. */
  #takeOther(kind: number, { at, code, g, a, b }: Event): void {
    const [pid, ts] = [this.#pid, this.#ts(at)];
    const task = this.#tasks.get(extraOf(code));
    const common = { pid, tid: g, ts };
    switch (kind) {
      case COUNTERS:
        this.#events.push({ ph: "C", name: "heap", ...common, args: { MB: a / 1e6 } });
        this.#events.push({ ph: "C", name: "event loop delay", ...common, args: { ms: b } });
        return;
      case TASK: {
        const name = this.#text(b) ?? "(unknown)";
        this.#tasks.set(a, name);
        const args = task === undefined ? {} : { "part of": task };
        this.#events.push({ ph: "b", cat: "task", name, id: a, ...common, args });
        return;
      }
      case TASK_END: {
        const name = this.#tasks.get(a);
        if (name !== undefined) this.#events.push({ ph: "e", cat: "task", name, id: a, ...common });
        return;
      }
      case REGION: {
        const name = this.#text(b) ?? "(unknown)";
        this.#regions.set(a, { name, g });
        const args = { goroutine: g, ...(task !== undefined && { task }) };
        this.#events.push({ ph: "b", cat: "region", name, id: a, ...common, args });
        return;
      }
      case REGION_END: {
        const region = this.#regions.get(a);
        this.#regions.delete(a);
        if (region !== undefined)
          this.#events.push({ ph: "e", cat: "region", name: region.name, id: a, pid, tid: region.g, ts });
        return;
      }
      case LOG: {
        const [category, message] = [this.#text(a) ?? "", this.#text(b) ?? ""];
        const args = { category, message, ...(task !== undefined && { task }) };
        this.#events.push({ ph: "i", s: "t", cat: "log", name: message, ...common, args });
      }
    }
  }

  /** Records that a wait is over, or will be soon. */
  #letGoOn(track: Track, by: number, at: number): void {
    // The host's callback by which it learns of another thread is not what woke it.
    if (track.isFromAfar) track.isFromAfar = false;
    else this.#arrow(by, track, at, "wake");
    if (track !== this.#runner) this.#open(track, labelOf(track), at);
  }

  /** Draws an arrow from the goroutine that wakes another one to the next run of the latter. */
  #arrow(from: number, track: Track, at: number, name: string): void {
    if (from === track.id) {
      track.by = "itself";
      return;
    }
    const id = ++lastArrow;
    const ts = this.#ts(at);
    track.arrows.push(id);
    if (from === hostTid) {
      this.#hasHost = true;
      this.#events.push({ ph: "X", cat: "host", name: "timer or host", pid: this.#pid, tid: hostTid, ts, dur: 1 });
      track.by = "a timer or the host";
    } else {
      const waker = this.#track(from, at);
      track.by = `G${from} ${waker.name}`;
    }
    this.#events.push({ ph: "s", cat: "wake", name, id, pid: this.#pid, tid: from, ts });
  }

  #run(track: Track, at: number): void {
    if (track === this.#runner) return;
    this.#leave(at);
    if (track.ended) return;
    // If it continues before all microtasks have run, it did not wait for the host.
    if (track.label === "IO wait" && track.idles === this.#idles) track.label = "runnable";
    track.queued = false;
    this.#runner = track;
    this.#open(track, "running", at);
    this.#endArrows(track, at);
  }

  #endArrows(track: Track, at: number): void {
    const ts = this.#ts(at);
    for (const id of track.arrows.splice(0)) {
      this.#events.push({ ph: "f", bp: "e", cat: "wake", name: "wake", id, pid: this.#pid, tid: track.id, ts });
    }
  }

  /** Records that no goroutine's code runs any more. */
  #leave(at: number): void {
    const track = this.#runner;
    if (track === undefined) return;
    this.#runner = undefined;
    if (track.label === "running") this.#open(track, labelOf(track), at);
  }

  #open(track: Track, label: string, at: number): void {
    if (track.ended || track.label === label) return;
    this.#close(track, at);
    track.label = label;
    track.since = at;
    track.idles = this.#idles;
  }

  /** Writes the open slice. */
  #close(track: Track, at: number): void {
    const { label, since, id, name, at: place, by } = track;
    if (label === undefined) return;
    track.label = undefined;
    const [ts, end] = [this.#ts(since), this.#ts(at)];
    const dur = Math.round((end - ts) * 1e3) / 1e3;
    const cat = label === "running" || label === "runnable" ? label : "wait";
    const args = {
      ...(cat === "wait" && place !== undefined && { at: place }),
      ...(cat === "running" && by !== undefined && { "let go on by": by }),
    };
    if (cat === "running") {
      track.by = undefined;
      const runs = {
        ph: "X",
        cat: "running",
        name: `G${id} ${name}`,
        pid: threadsPid,
        tid: this.#pid,
        ts,
        dur,
      } as const;
      this.#events.push(runs);
    }
    this.#events.push({ ph: "X", cat, name: label, pid: this.#pid, tid: id, ts, dur, args });
  }
}

/** The state of a goroutine whose code does not run. */
function labelOf({ waits, woken, pausing, queued }: Track): string {
  if (pausing || queued || woken > 0) return "runnable";
  return waits.at(-1) ?? "IO wait";
}
