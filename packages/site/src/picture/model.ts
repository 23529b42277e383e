// The events of a program as steps that a picture shows: after each step, what every goroutine does
// and what is in every channel.
//
// Invariant: a step is complete in itself, so going back needs no undoing.

import type { PictureEvent, WaitsOn } from "../code/messages.ts";
import { ANONYMOUS, Captions } from "./captions.ts";
import { raceIn } from "./race.ts";
import type { Activity, Lane, Move, Step, Tube } from "./state.ts";

/** Makes steps of events. It names channels after the variables in the program's lines. */
export class Model {
  readonly steps: Step[] = [];
  readonly #captions: Captions;
  #lanes: readonly Lane[] = [laneOf(1, "main", "runs")];
  #tubes: readonly Tube[] = [];
  /** True if events are missing, so the lanes are not those at the end of the program. */
  #isCut = false;

  constructor(program: string) {
    this.#captions = new Captions(program);
    this.#push({ kind: "begins", g: 1, at: 0, line: undefined }, "The program begins. main is the first goroutine.");
  }

  add(event: PictureEvent): void {
    const caption = this.#captions.of(event, this.#lanes, this.#tubes);
    const moves = this.#apply(event);
    const last = this.steps.at(-1) as Step;
    if (event.kind === "runs") return;
    if (event.kind === "wakes" && event.by === last.g && ["sends", "receives", "closes", "wakes"].includes(last.kind)) {
      // It belongs to the step that caused it.
      const wakes = [...last.wakes, event.g];
      const words = last.kind === "receives" || last.kind === "sends" ? last.caption : `${last.caption} ${caption}`;
      this.steps[this.steps.length - 1] = { ...last, wakes, caption: words, lanes: this.#lanes, tubes: this.#tubes };
      return;
    }
    const found = event.kind === "prints" ? raceIn(event.text) : undefined;
    const race = found === undefined ? [] : [found.first.g, found.last.g];
    this.#push(event, caption, { moves, wakes: event.kind === "wakes" ? [event.g] : [], race });
  }

  /** Adds the last step: the program has ended with that status, or was stopped. */
  end(status: number | undefined): void {
    const last = this.steps.at(-1) as Step;
    const left = this.#isCut ? [] : this.#lanes.filter(({ activity }) => activity === "waits");
    this.#push({ kind: "end", g: 0, at: last.at, line: undefined }, this.#captions.end(status, left));
  }

  #push(
    { kind, g, at, line }: Pick<Step, "kind" | "g" | "at" | "line">,
    caption: string,
    more: Partial<Pick<Step, "moves" | "wakes" | "race">> = {},
  ): void {
    const [lanes, tubes] = [this.#lanes, this.#tubes];
    this.steps.push({ kind, g, at, line, caption, lanes, tubes, moves: [], wakes: [], race: [], ...more });
  }

  #apply(event: PictureEvent): Move[] {
    const { g } = event;
    switch (event.kind) {
      case "starts":
        this.#lanes = [...this.#lanes, laneOf(g, event.name, "ready")];
        return [];
      case "runs":
        this.#lanes = this.#lanes.map((lane) =>
          lane.g === g
            ? { ...lane, activity: "runs", on: [] }
            : lane.activity === "runs"
              ? { ...lane, activity: "ready" }
              : lane,
        );
        return [];
      case "waits":
        this.#lane(g, { activity: "waits", state: event.state, on: event.on, line: event.line });
        for (const one of event.on) this.#enqueue(g, one);
        return [];
      case "wakes":
        this.#lane(g, { activity: "ready", on: [] });
        this.#leaveQueues(g);
        return [];
      case "ends":
        this.#lane(g, { activity: "ended", on: [] });
        return [];
      case "makes":
        this.#tubes = [...this.#tubes, tubeOf(event.channel, this.#captions.nameOf(event.channel), event.capacity)];
        return [];
      case "sends": {
        const { channel, value, to } = event;
        if (to === undefined) {
          this.#tube(channel, ({ values }) => ({ values: [...values, value] }));
          return [{ value, from: `lane-${g}`, to: `tube-${channel}` }];
        }
        this.#leaveQueues(to);
        this.#tube(channel, () => ({}));
        return [{ value, from: `lane-${g}`, to: `lane-${to}` }];
      }
      case "receives":
        return this.#receive(event);
      case "closes":
        this.#tube(event.channel, () => ({ closed: true }));
        return [];
      case "cut":
        this.#isCut = true;
        return [];
      case "prints":
      default:
        return [];
    }
  }

  #receive({ g, channel, value, from }: PictureEvent & { kind: "receives" }): Move[] {
    const tube = this.#tubes.find((tube) => tube.channel === channel);
    const kept = tube?.senders.find((sender) => sender.g === from)?.value;
    if (from !== undefined) this.#leaveQueues(from);
    if (tube === undefined || tube.values.length === 0) {
      this.#tube(channel, () => ({}));
      return [{ value, from: from === undefined ? `tube-${channel}` : `lane-${from}`, to: `lane-${g}` }];
    }
    const moves: Move[] = [{ value, from: `tube-${channel}`, to: `lane-${g}` }];
    const added = from === undefined || kept === undefined ? [] : [kept];
    if (added.length > 0) moves.push({ value: kept as string, from: `lane-${from as number}`, to: `tube-${channel}` });
    this.#tube(channel, ({ values }) => ({ values: [...values.slice(1), ...added] }));
    return moves;
  }

  #lane(g: number, change: Partial<Lane>): void {
    this.#lanes = this.#lanes.map((lane) => (lane.g === g ? { ...lane, ...change } : lane));
  }

  #tube(channel: number, change: (tube: Tube) => Partial<Tube>): void {
    this.#tubes = this.#tubes.map((tube) =>
      tube.channel === channel ? { ...tube, used: true, ...change(tube) } : tube,
    );
  }

  #enqueue(g: number, one: WaitsOn): void {
    this.#tube(one.channel, ({ senders, receivers }) =>
      one.way === "send" ? { senders: [...senders, { g, value: one.value }] } : { receivers: [...receivers, g] },
    );
  }

  #leaveQueues(g: number): void {
    this.#tubes = this.#tubes.map((tube) =>
      tube.receivers.includes(g) || tube.senders.some((sender) => sender.g === g)
        ? {
            ...tube,
            receivers: tube.receivers.filter((other) => other !== g),
            senders: tube.senders.filter((sender) => sender.g !== g),
          }
        : tube,
    );
  }
}

/** A function without a name says nothing to a reader: its goroutine is called by its number. */
function laneOf(g: number, name: string, activity: Activity): Lane {
  return { g, name: ANONYMOUS.test(name) ? `goroutine ${g}` : name, activity, state: "", on: [], line: undefined };
}

function tubeOf(channel: number, name: string, capacity: number): Tube {
  return { channel, name, capacity, values: [], senders: [], receivers: [], closed: false, used: false };
}
