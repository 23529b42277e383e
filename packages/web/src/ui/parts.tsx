// Small parts that every view is made of.
import type { ComponentChildren, JSX } from "preact";
import { noteForPage } from "../format/notes.ts";
import { useEffect, useRef, useState } from "preact/hooks";

/** Text of somebody's file: it has its own direction, and is never markup. */
export function Data({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <bdi class="data">{children}</bdi>;
}

const PATHS = {
  upload: "M12 15V4m-4.5 4.5L12 4l4.5 4.5M4.5 15v3A2 2 0 0 0 6.5 20h11a2 2 0 0 0 2-2v-3",
  file: "M14 3.5H7a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5zm0 0v5h5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  warning:
    "M12 8.5v4.5m0 3.2v.1M10.6 4.3 3 17.6A1.6 1.6 0 0 0 4.4 20h15.2a1.6 1.6 0 0 0 1.4-2.4L13.4 4.3a1.6 1.6 0 0 0-2.8 0z",
  close: "m6.5 6.5 11 11m0-11-11 11",
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M4.5 19.5h15",
  undo: "M8.5 5 4.5 9l4 4M4.5 9h9a5.5 5.5 0 0 1 0 11H9",
  redo: "m15.5 5 4 4-4 4m4-4h-9a5.5 5.5 0 0 0 0 11H15",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zm4.7-1.8L20 20",
  arrow: "M5 12h14m-5.5-5.5L19 12l-5.5 5.5",
} as const;

export function Icon({ name, size = 20 }: { readonly name: keyof typeof PATHS; readonly size?: number }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A message beside what it is about. Errors are said aloud. */
export function Notice(props: {
  readonly kind: "error" | "info" | "good";
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
}): JSX.Element {
  return (
    <div class={`notice ${props.kind}`} role={props.kind === "error" ? "alert" : undefined}>
      <Icon name={props.kind === "error" ? "warning" : props.kind === "good" ? "check" : "file"} />
      <div class="notice-text">
        {props.children}
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
    </div>
  );
}

/** A bar that shows which fraction is done. It is undefined while that is not known. */
export function Progress({
  fraction,
  label,
}: {
  readonly fraction: number | undefined;
  readonly label: string;
}): JSX.Element {
  const now = fraction === undefined ? undefined : Math.round(Math.min(1, fraction) * 100);
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={now}
    >
      <div
        class={fraction === undefined ? "bar unknown" : "bar"}
        style={{ transform: `scaleX(${fraction ?? 0.25})` }}
      />
    </div>
  );
}

/** A labelled field with room for a hint and for what is wrong. */
export function Field(props: {
  readonly id: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly error?: string | undefined;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class={props.error ? "field wrong" : "field"}>
      <label for={props.id}>{props.label}</label>
      {props.children}
      {props.hint !== undefined && (
        <p class="hint" id={`${props.id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.error && (
        <p class="error" role="alert">
          {props.error}
        </p>
      )}
    </div>
  );
}

/** A view's heading. It gets the focus when the view comes, so that reading continues there. */
export function Title({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <h1 tabIndex={-1} ref={heading}>
      {children}
    </h1>
  );
}

/** Whether the window is as narrow as a phone. */
export function useNarrow(): boolean {
  const query = "(max-width: 44rem)";
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => setNarrow(list.matches);
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, []);
  return narrow;
}

/** The first lines of a list, and a button for the others. */
export function Lines({ lines, shown }: { readonly lines: readonly string[]; readonly shown: number }): JSX.Element {
  const [all, setAll] = useState(false);
  const rest = lines.length - shown;
  return (
    <>
      <ul class="lines">
        {(all ? lines : lines.slice(0, shown)).map((line) => (
          <li key={line}>
            <Data>{noteForPage(line)}</Data>
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" class="link" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show ${rest} more`}
        </button>
      )}
    </>
  );
}
