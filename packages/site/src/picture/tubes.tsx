// The channels of a step: in the middle the places of the buffer, on the left who waits to send,
// and with which value, on the right who waits to receive.

import type { VNode } from "preact";
import { laneName } from "./captions.ts";
import type { Step, Tube } from "./state.ts";

/** The most channels, places and waiters that are drawn. */
const [TUBES, PLACES, WAITERS] = [6, 10, 4];

export function Tubes({ step }: { step: Step }): VNode {
  const used = step.tubes.filter((tube) => tube.used);
  // Those in which something is going on, if there are too many.
  const busy = (tube: Tube): boolean => tube.values.length + tube.senders.length + tube.receivers.length > 0;
  const shown =
    used.length <= TUBES ? used : [...used.filter(busy), ...used.filter((tube) => !busy(tube))].slice(0, TUBES);
  return (
    <div class="tubes">
      {shown.map((tube) => (
        <Channel key={tube.channel} tube={tube} step={step} />
      ))}
      {used.length > shown.length && <p class="more">and {used.length - shown.length} more channels</p>}
    </div>
  );
}

function Channel({ tube, step }: { tube: Tube; step: Step }): VNode {
  const { name, capacity, values, senders, receivers, closed } = tube;
  const places = Array.from({ length: Math.min(Math.max(capacity, values.length), PLACES) }, (_, i) => values[i]);
  const more = capacity - places.length;
  return (
    <div class={`channel${capacity > 0 && values.length >= capacity ? " full" : ""}`}>
      <div class="waiters">
        {senders.slice(0, WAITERS).map(({ g, value }) => (
          <span class="waiter" key={g}>
            {laneName(step.lanes, g)} waits with <b class="value">{value}</b>
          </span>
        ))}
        {senders.length > WAITERS && <span class="more">and {senders.length - WAITERS} more</span>}
      </div>
      <div class="tube-with-name">
        <span class="name">
          {name}
          {capacity > 0 && ` · ${values.length} of ${capacity}`}
          {closed && " · closed"}
        </span>
        <div class={`tube${closed ? " closed" : ""}`} data-place={`tube-${tube.channel}`}>
          <span class="arrow">→</span>
          {/* The oldest value is next to the receivers, as in a queue. */}
          {places.toReversed().map((value, i) => (
            <span key={i} class={value === undefined ? "place" : "place taken"}>
              {value}
            </span>
          ))}
          {more > 0 && <span class="more">{more} more</span>}
          {capacity === 0 && <span class="more">no buffer</span>}
          <span class="arrow">→</span>
        </div>
      </div>
      <div class="waiters right">
        {receivers.slice(0, WAITERS).map((g) => (
          <span class="waiter" key={g}>
            {laneName(step.lanes, g)} waits for a value
          </span>
        ))}
        {receivers.length > WAITERS && <span class="more">and {receivers.length - WAITERS} more</span>}
      </div>
    </div>
  );
}
