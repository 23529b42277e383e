// Find and replace over the rejected rows that are shown.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { find, type Changed, type Row, type Search } from "../state/edits.ts";
import { useStore } from "../ui/context.ts";

interface FindReplaceProps {
  readonly rows: readonly Row[];
  readonly changed: Changed;
  readonly onReplace: (search: Search, by: string) => void;
}

export function FindReplace({ rows, changed, onReplace }: FindReplaceProps): JSX.Element {
  const { format } = useStore();
  const [search, setSearch] = useState<Search>({ text: "", matchCase: false, wholeCell: false });
  const [by, setBy] = useState("");
  const found = find(rows, changed, search).length;
  const flag = (name: "matchCase" | "wholeCell", label: string): JSX.Element => (
    <label class="check">
      <input
        type="checkbox"
        checked={search[name]}
        onChange={(event) => setSearch({ ...search, [name]: event.currentTarget.checked })}
      />
      {label}
    </label>
  );
  return (
    <details class="folded-one">
      <summary>Find and replace</summary>
      <form
        class="find"
        onSubmit={(event) => {
          event.preventDefault();
          if (found > 0) onReplace(search, by);
        }}
      >
        <label for="find">Find</label>
        <input
          id="find"
          type="text"
          dir="auto"
          value={search.text}
          onInput={(event) => setSearch({ ...search, text: event.currentTarget.value })}
        />
        <label for="replace">Replace by</label>
        <input id="replace" type="text" dir="auto" value={by} onInput={(event) => setBy(event.currentTarget.value)} />
        {flag("matchCase", "Upper and lower case matter")}
        {flag("wholeCell", "Whole cells only")}
        <button type="submit" disabled={found === 0}>
          {found === 0 ? "Replace" : `Replace in ${format.counted(found, "cell")}`}
        </button>
      </form>
    </details>
  );
}
