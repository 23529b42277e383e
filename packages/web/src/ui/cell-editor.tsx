// The field in which a cell's text is changed: Enter keeps it and goes down, Tab goes right, Escape
// leaves it as it was.
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The next place of the focus: `leave` is the place that somebody has clicked. */
export type Step = "down" | "right" | "stay" | "leave";

interface CellEditorProps {
  readonly text: string;
  /** @param text undefined leaves the cell as it was */
  readonly onDone: (text: string | undefined, step: Step) => void;
}

export function CellEditor({ text, onDone }: CellEditorProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  /** True after the first end: the key that ends the editing also takes the focus away. */
  const done = useRef(false);
  const finish = (step: Step, keep = true): void => {
    if (done.current) return;
    done.current = true;
    onDone(keep ? input.current!.value : undefined, step);
  };
  // At once: the next key that is typed is this field's.
  useLayoutEffect(() => {
    input.current!.focus();
    input.current!.setSelectionRange(text.length, text.length);
  }, []);
  return (
    <input
      class="cell-editor"
      aria-label="Cell"
      dir="auto"
      defaultValue={text}
      ref={input}
      onBlur={() => finish("leave")}
      onKeyDown={(event) => {
        // The grid must not move, or act, by keys that are typed here.
        event.stopPropagation();
        if (event.key === "Enter") finish("down");
        else if (event.key === "Tab" && !event.shiftKey) finish("right");
        else if (event.key === "Escape") finish("stay", false);
        if (done.current) event.preventDefault();
      }}
    />
  );
}
