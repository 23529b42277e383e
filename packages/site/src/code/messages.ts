// What a running program tells the page. The worker sends it as messages.

/** A channel that a goroutine waits on, as the picture shows it. */
export type WaitsOn =
  | { readonly way: "send"; readonly channel: number; readonly value: string }
  | { readonly way: "receive"; readonly channel: number };

/**
 * An event of the program, with values as text, lines of the program instead of stacks, and times
 * in milliseconds from the first event.
 */
export type PictureEvent = {
  readonly at: number;
  /** The goroutine that acts; 0 is a timer, or the page. */
  readonly g: number;
  /** The line of the program, if it is known. */
  readonly line: number | undefined;
} & (
  | { readonly kind: "starts"; readonly name: string; readonly by: number }
  | { readonly kind: "runs" }
  | { readonly kind: "waits"; readonly state: string; readonly on: readonly WaitsOn[] }
  | { readonly kind: "wakes"; readonly by: number }
  | { readonly kind: "ends"; readonly name: string }
  | { readonly kind: "makes"; readonly channel: number; readonly capacity: number }
  | { readonly kind: "sends"; readonly channel: number; readonly value: string; readonly to: number | undefined }
  | { readonly kind: "receives"; readonly channel: number; readonly value: string; readonly from: number | undefined }
  | { readonly kind: "closes"; readonly channel: number }
  | { readonly kind: "prints"; readonly text: string }
  /** No more events are told, after this number of them. */
  | { readonly kind: "cut"; readonly after: number }
);

export type Message =
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "events"; readonly events: readonly PictureEvent[] }
  | { readonly kind: "exit"; readonly status: number };
