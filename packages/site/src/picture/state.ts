// What a picture shows after a step of a program.

import type { PictureEvent, WaitsOn } from "../code/messages.ts";

export type Activity = "runs" | "ready" | "waits" | "ended";

export interface Lane {
  readonly g: number;
  readonly name: string;
  readonly activity: Activity;
  /** The reason for its wait, in the words of Go's dumps. */
  readonly state: string;
  readonly on: readonly WaitsOn[];
  readonly line: number | undefined;
}

export interface Tube {
  readonly channel: number;
  readonly name: string;
  readonly capacity: number;
  readonly values: readonly string[];
  readonly senders: readonly { readonly g: number; readonly value: string }[];
  readonly receivers: readonly number[];
  readonly closed: boolean;
  /** Whether anything was done with it; others are not drawn. */
  readonly used: boolean;
}

/** A place from which or to which a value travels. */
export type Place = `lane-${number}` | `tube-${number}`;

export interface Move {
  readonly value: string;
  readonly from: Place;
  readonly to: Place;
}

export interface Step {
  readonly kind: PictureEvent["kind"] | "begins" | "end";
  readonly g: number;
  readonly at: number;
  readonly line: number | undefined;
  readonly caption: string;
  readonly lanes: readonly Lane[];
  readonly tubes: readonly Tube[];
  readonly moves: readonly Move[];
  /** Goroutines that this step lets continue. */
  readonly wakes: readonly number[];
  /** The two goroutines of a race that is reported in this step. */
  readonly race: readonly number[];
}
