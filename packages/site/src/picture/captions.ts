// A sentence for each event, for readers who do not know Go, and the names in these sentences.

import type { PictureEvent, WaitsOn } from "../code/messages.ts";
import { raceIn } from "./race.ts";
import type { Lane, Tube } from "./state.ts";

/** The names that the library gives to functions without one. */
export const ANONYMOUS: RegExp = /(?:^|\.)func\d+$/;

/** The words for what a goroutine waits for, if not for channels. */
const WAITS: Readonly<Record<string, string>> = {
  sleep: "sleeps until its time has come",
  "chan receive (nil chan)": "waits for a channel that does not exist: for ever",
  "chan send (nil chan)": "waits for a channel that does not exist: for ever",
  select: "waits: no case of its select is ready",
  "select (no cases)": "waits for ever: its select has no cases",
  semacquire: "waits for a place",
  "sync.Mutex.Lock": "waits, because another goroutine has the lock",
  "sync.RWMutex.Lock": "waits, because others have the lock",
  "sync.RWMutex.RLock": "waits, because a writer has the lock",
  "sync.WaitGroup.Wait": "waits until the group has ended",
  "sync.Cond.Wait": "waits for a signal",
  "synctest.Run": "waits until the test with its simulated clock has ended",
  "synctest.Wait": "waits until all others wait",
};

export class Captions {
  readonly #lines: readonly string[];
  readonly #channels = new Map<number, string>();
  /** How many channels each line has made, and how often each name was given. */
  readonly #made = new Map<number, number>();
  readonly #given = new Map<string, number>();

  constructor(program: string) {
    this.#lines = program.split("\n");
  }

  nameOf(channel: number): string {
    return this.#channels.get(channel) ?? `channel ${channel}`;
  }

  /**
   * The sentence for an event, before it is applied to these lanes and tubes. It has more than 15
   * branches because it is a list of the kinds of events.
   */
  of(event: PictureEvent, lanes: readonly Lane[], tubes: readonly Tube[]): string {
    const who = (g: number): string => laneName(lanes, g);
    const g = who(event.g);
    switch (event.kind) {
      case "starts":
        return `${who(event.by)} starts goroutine ${event.g}${ANONYMOUS.test(event.name) ? "" : `, ${event.name}`}.`;
      case "runs":
        return "";
      case "waits":
        return event.on.length === 0
          ? `${g} ${WAITS[event.state] ?? `waits: ${event.state}`}.`
          : event.on.length === 1
            ? this.#waits(g, event.on[0] as WaitsOn, tubes)
            : `${g} waits for the first of these: ${event.on.map((one) => this.#wish(one)).join(", ")}.`;
      case "wakes":
        if (event.by === 0) return `${cause(lanes, event.g)}${g} can continue.`;
        return event.by === event.g ? `${g} can continue.` : `${who(event.by)} lets ${g} continue.`;
      case "ends":
        return `${g} has ended.`;
      case "makes":
        this.#name(event.channel, event.line);
        return `${g} makes channel ${this.nameOf(event.channel)} ${event.capacity === 0 ? "without a buffer" : `with ${places(event.capacity)}`}.`;
      case "sends": {
        const name = this.nameOf(event.channel);
        if (event.to !== undefined)
          return `${g} hands ${event.value} over ${name} to ${who(event.to)}, which waited for it. ${who(event.to)} can continue.`;
        const tube = tubes.find(({ channel }) => channel === event.channel);
        const taken = (tube?.values.length ?? 0) + 1;
        return `${g} puts ${event.value} into ${name}. It does not have to wait: ${taken} of ${places(tube?.capacity ?? taken)} ${taken === 1 ? "is" : "are"} taken now.`;
      }
      case "receives":
        return this.#receives(event, g, who, tubes);
      case "closes":
        return `${g} closes ${this.nameOf(event.channel)}: no more values will come.`;
      case "cut":
        return `The picture ends here, after ${event.after.toLocaleString("en")} events. The program runs on.`;
      case "prints":
      default:
        return raceCaption(event.text, who) ?? `${event.g === 0 ? "The program" : g} prints: ${brief(event.text)}`;
    }
  }

  end(status: number | undefined, left: readonly Lane[]): string {
    if (status === undefined) return "You have stopped the program.";
    const rest =
      left.length === 0
        ? ""
        : ` ${left.length === 1 ? "One goroutine still waits" : `${left.length} goroutines still wait`}.`;
    if (status === 0) return `The program has ended.${rest}`;
    return `The program has ended with exit status ${status}.${rest}${left.length > 0 ? ` Nobody can wake ${left.length === 1 ? "it" : "them"}.` : ""}`;
  }

  #waits(g: string, one: WaitsOn, tubes: readonly Tube[]): string {
    const tube = tubes.find(({ channel }) => channel === one.channel);
    const name = this.nameOf(one.channel);
    if (one.way === "receive") return `${g} wants a value from ${name}. There is none, so ${g} waits.`;
    if (tube === undefined || tube.capacity === 0)
      return `${g} wants to send ${one.value} over ${name}. Nobody is there to receive it, so ${g} waits.`;
    return `${g} wants to send ${one.value} into ${name}. But ${tube.capacity === 1 ? "its only place is" : `all ${tube.capacity} places are`} taken, so ${g} keeps ${one.value} and waits.`;
  }

  #receives(
    { channel, value, from }: PictureEvent & { kind: "receives" },
    g: string,
    who: (g: number) => string,
    tubes: readonly Tube[],
  ): string {
    const tube = tubes.find((tube) => tube.channel === channel);
    const name = this.nameOf(channel);
    if (from === undefined) return `${g} takes ${value} out of ${name}.`;
    const sender = who(from);
    if (tube === undefined || tube.values.length === 0)
      return `${g} takes ${value} over ${name} from ${sender}, which waited with it. ${sender} can continue.`;
    const kept = tube.senders.find((one) => one.g === from)?.value;
    return `${g} takes ${value} out of ${name}. Now a place is free: the ${kept} of ${sender} moves in, and ${sender} can continue.`;
  }

  #wish(one: WaitsOn): string {
    return one.way === "receive"
      ? `a value from ${this.nameOf(one.channel)}`
      : `room for ${one.value} in ${this.nameOf(one.channel)}`;
  }

  /** Names a channel after the variable in the line that made it. */
  #name(channel: number, line: number | undefined): void {
    const text = line === undefined ? "" : (this.#lines[line - 1] ?? "");
    const nth = this.#made.get(line ?? 0) ?? 0;
    this.#made.set(line ?? 0, nth + 1);
    const several = /\b(?:const|let|var)\s+\[([^\]]*)\]\s*=\s*\[/.exec(text)?.[1]?.split(",");
    const name =
      several?.[nth % several.length]?.trim() ??
      /\b(?:const|let|var|using)\s+\[?(\w+)/.exec(text)?.[1] ??
      /(\w+)\s*[:=]\s*chan\b/.exec(text)?.[1];
    if (name === undefined) return;
    const count = (this.#given.get(name) ?? 0) + 1;
    this.#given.set(name, count);
    this.#channels.set(channel, count === 1 ? name : `${name} ${count}`);
  }
}

/** The sentences for a report of the race detector; `undefined` for other output. */
function raceCaption(text: string, who: (g: number) => string): string | undefined {
  const race = raceIn(text);
  if (race === undefined) return undefined;
  const { last, first } = race;
  const now = `${who(last.g)} ${last.writes ? "writes" : "reads"} in line ${last.line}`;
  const before = `what ${who(first.g)} ${first.writes ? "wrote" : "read"} in line ${first.line}`;
  return `A race: ${now} ${before}. Nothing decides which of the two comes first.`;
}

/** The words for a wait that a timer or the host ends. */
function cause(lanes: readonly Lane[], g: number): string {
  const state = lanes.find((lane) => lane.g === g)?.state;
  return state === "sleep" || state === "select" ? "The time is over: " : "";
}

/** The name of a goroutine's function, with its number if others have the same name. */
export function laneName(lanes: readonly Lane[], g: number): string {
  const lane = lanes.find((lane) => lane.g === g);
  if (lane === undefined) return `goroutine ${g}`;
  return lanes.some((other) => other.g !== g && other.name === lane.name) ? `${lane.name} (${g})` : lane.name;
}

/** The most characters of a printed line in a sentence. */
const LONGEST_LINE = 200;

function brief(text: string): string {
  const line = text.slice(0, LONGEST_LINE + 1).split("\n")[0] as string;
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

function places(count: number): string {
  return count === 1 ? "1 place" : `${count} places`;
}
