// A question before something that cannot be undone, where the button was that asks for it.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Data } from "./parts.tsx";

interface ConfirmProps {
  /** For those who do not see the question. */
  readonly label: string;
  readonly yes: string;
  readonly no: string;
  /** Returns what went wrong, in words. */
  readonly onYes: () => Promise<string | void>;
  readonly onNo: () => void;
  readonly children: ComponentChildren;
}

export function Confirm({ label, yes, no, onYes, onNo, children }: ConfirmProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState("");
  const first = useRef<HTMLButtonElement>(null);
  // The button that had the focus is gone.
  useEffect(() => first.current?.focus(), []);
  const agree = async (): Promise<void> => {
    setBusy(true);
    const message = await onYes();
    if (message === undefined) return;
    setWrong(message);
    setBusy(false);
  };
  return (
    <div
      class="confirm"
      role="group"
      aria-label={label}
      onKeyDown={(event) => {
        if (event.key === "Escape") onNo();
      }}
    >
      {children}
      {wrong !== "" && (
        <p class="bad" role="alert">
          <Data>{wrong}</Data>
        </p>
      )}
      <div class="actions">
        <button type="button" class="danger" disabled={busy} onClick={() => void agree()}>
          {yes}
        </button>
        <button type="button" class="quiet" ref={first} onClick={onNo}>
          {no}
        </button>
      </div>
    </div>
  );
}
