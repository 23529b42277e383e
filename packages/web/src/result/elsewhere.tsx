// The rows that were repaired elsewhere before what was typed here could go in: nobody's text is
// dropped without a word.
import type { JSX } from "preact";
import type { Import } from "../api/shapes.ts";
import type { Settled } from "../state/mending.ts";
import { useStore } from "../ui/context.ts";
import { Data, Notice } from "../ui/parts.tsx";

export function Elsewhere({ import: one }: { readonly import: Import }): JSX.Element | null {
  const store = useStore();
  const mending = store.mending(one.id);
  const settled = mending.settled.value;
  if (settled.length === 0) return null;
  return (
    <Notice
      kind="error"
      actions={
        <button type="button" onClick={() => mending.read()}>
          I have read it
        </button>
      }
    >
      <ul class="lines">
        {settled.map((row, n) => (
          <li key={n}>
            <Line settled={row} />
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function Line({ settled: { row, texts, unanswered } }: { readonly settled: Settled }): JSX.Element {
  const typed = texts.map((text, n) => (
    <span key={n}>
      {n > 0 && ", "}“<Data>{text}</Data>”
    </span>
  ));
  return unanswered ? (
    <>
      Row {row} needs no repair any more. The connection broke while you sent it, so either {typed} went in, or somebody
      else has repaired it.
    </>
  ) : (
    <>
      Row {row} was repaired elsewhere. What you typed did not go in: {typed}.
    </>
  );
}
