// A field whose text counts when somebody leaves it. Until then the text is theirs, whatever is
// drawn meanwhile.
import type { JSX } from "preact";
import { useState } from "preact/hooks";

interface DraftInputProps {
  readonly id: string;
  /** The text that counts now. */
  readonly text: string;
  readonly onDone: (text: string) => void;
  readonly placeholder?: string;
  readonly describedBy?: string;
  readonly numeric?: boolean;
  readonly disabled?: boolean;
}

export function DraftInput(props: DraftInputProps): JSX.Element {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  return (
    <input
      id={props.id}
      type="text"
      dir="auto"
      inputMode={props.numeric ? "numeric" : undefined}
      autoComplete="off"
      spellcheck={false}
      aria-describedby={props.describedBy}
      placeholder={props.placeholder}
      disabled={props.disabled}
      value={typed ?? props.text}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onChange={(event) => {
        props.onDone(event.currentTarget.value.trim());
        setTyped(undefined);
      }}
    />
  );
}
