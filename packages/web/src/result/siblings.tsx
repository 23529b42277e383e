// The imports of one request, one for each sheet of the file: where each of them is, and the way to
// it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Import } from "../api/shapes.ts";
import { toHash } from "../state/route.ts";
import { useStore } from "../ui/context.ts";
import { Data } from "../ui/parts.tsx";
import { State } from "../history/import-line.tsx";

/** While one of them runs, all of them are asked for so often. */
const FRESH_MS = 2000;

export function Siblings({ import: one }: { readonly import: Import }): JSX.Element | null {
  const store = useStore();
  const ids = (one.imports ?? []).toSorted();
  const [all, setAll] = useState<readonly Import[]>([]);
  // One may have been deleted from the history.
  const load = async (): Promise<void> => {
    const found = await Promise.all(ids.map((id) => store.client.import(id).catch(() => undefined)));
    setAll(found.filter((other) => other !== undefined));
  };
  const goes = all.some(({ state }) => state === "queued" || state === "running");
  useEffect(() => void (ids.length > 1 && load()), [ids.join(), one.state, store.back.value]);
  useEffect(() => {
    if (!goes) return undefined;
    const timer = setInterval(() => void load(), FRESH_MS);
    return () => clearInterval(timer);
  }, [goes, ids.join()]);
  if (all.length < 2) return null;
  return (
    <nav class="tabs" aria-label="Sheets of this file">
      {all.map((other) => (
        <a
          key={other.id}
          href={toHash({ view: "import", id: other.id })}
          aria-current={other.id === one.id ? "page" : undefined}
          onClick={(event) => {
            event.preventDefault();
            store.go({ view: "import", id: other.id });
          }}
        >
          <Data>{other.sheet ?? other.table}</Data>
          <State import={other} />
        </a>
      ))}
    </nav>
  );
}
