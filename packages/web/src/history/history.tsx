// All imports, or those of a fleet that no worker tries any more: searched, opened, resumed,
// cancelled, and deleted.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/problem.ts";
import type { Import } from "../api/shapes.ts";
import { asProblem } from "../state/job.ts";
import { useStore } from "../ui/context.ts";
import { Icon, Notice, Title } from "../ui/parts.tsx";
import { Forget } from "./forget.tsx";
import { ImportLine } from "./import-line.tsx";

const TYPING_MS = 250;
/** While an import runs, its line is made again so often. */
const FRESH_MS = 2000;

type Which = "imports" | "dead-letters";

/** The title of each list, and its text if it is empty. */
const LISTS: Readonly<Record<Which, { readonly title: string; readonly empty: string }>> = {
  imports: {
    title: "History",
    empty: "Nothing was imported yet. What you import is listed here, also tomorrow.",
  },
  "dead-letters": {
    title: "Given up",
    empty:
      "No import was given up. Imports are listed here if they failed so often that no worker tries them any more.",
  },
};

export function History({ which, query }: { readonly which: Which; readonly query: string }): JSX.Element {
  const { imports, more, problem, load, act } = useImports(which, query);
  return (
    <section class="history">
      <Title>{LISTS[which].title}</Title>
      <Search which={which} query={query} />
      {problem && (
        <Notice
          kind="error"
          actions={
            <button type="button" onClick={() => void load()}>
              Try again
            </button>
          }
        >
          {problem.message}
        </Notice>
      )}
      {imports?.length === 0 && (
        <p class="empty">{query === "" ? LISTS[which].empty : `No import matches “${query}”.`}</p>
      )}
      {!imports && !problem && <p class="empty">Loading …</p>}
      <ul class="imports">
        {imports?.map((one) => (
          <ImportLine
            key={one.id}
            import={one}
            why={which === "dead-letters"}
            actions={<LineActions import={one} act={act} onGone={() => void load()} />}
          />
        ))}
      </ul>
      {more && (
        <button type="button" onClick={more}>
          Show older imports
        </button>
      )}
    </section>
  );
}

/** The field for a part of a name. The address follows what is typed, after a moment. */
function Search({ which, query }: { readonly which: Which; readonly query: string }): JSX.Element {
  const store = useStore();
  const [text, setText] = useState(query);
  useEffect(() => {
    if (text === query) return undefined;
    const timer = setTimeout(
      () => store.go({ view: which === "imports" ? "history" : which, query: text.trim() }),
      TYPING_MS,
    );
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search" for="history-search">
      <Icon name="search" />
      <span class="hidden">Search by file or table</span>
      <input
        id="history-search"
        type="search"
        placeholder="Search by file or table"
        dir="auto"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

interface Imports {
  /** Undefined until they are loaded. */
  readonly imports: readonly Import[] | undefined;
  /** Loads older ones; undefined if there are none. */
  readonly more: (() => void) | undefined;
  readonly problem: Problem | undefined;
  readonly load: () => Promise<void>;
  /** Does something with an import, and loads again. */
  readonly act: (what: (id: string) => Promise<unknown>, one: Import) => void;
}

/** The imports that match, newest first, kept fresh while one of them runs. */
function useImports(which: Which, query: string): Imports {
  const store = useStore();
  const [imports, setImports] = useState<readonly Import[] | undefined>(undefined);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);
  const load = async (cursor?: string): Promise<void> => {
    try {
      const page = await store.client.list(which, query, cursor);
      setImports((before) => [...(cursor ? (before ?? []) : []), ...page.imports]);
      setNext(page.next);
      setProblem(undefined);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  useEffect(() => void load(), [query, store.token.value, store.back.value]);
  const goes = imports?.some(({ state }) => state === "queued" || state === "running") ?? false;
  useEffect(() => {
    if (!goes) return undefined;
    const timer = setInterval(() => void load(), FRESH_MS);
    return () => clearInterval(timer);
  }, [goes, query]);
  const act = (what: (id: string) => Promise<unknown>, { id }: Import): void =>
    void what(id).then(
      () => load(),
      (error: unknown) => setProblem(asProblem(error)),
    );
  return { imports, more: next === null ? undefined : () => void load(next), problem, load, act };
}

function LineActions(props: {
  readonly import: Import;
  readonly act: (what: (id: string) => Promise<unknown>, one: Import) => void;
  readonly onGone: () => void;
}): JSX.Element {
  const store = useStore();
  const { client } = store;
  const { id, state, file, resumable } = props.import;
  const goes = state === "queued" || state === "running";
  return (
    <span class="actions">
      {resumable && (
        <button
          type="button"
          aria-label={`Resume ${file}`}
          onClick={() =>
            props.act(async () => (await client.resume(id), store.go({ view: "import", id })), props.import)
          }
        >
          Resume
        </button>
      )}
      {(goes || resumable) && (
        <button
          type="button"
          class="quiet"
          aria-label={`Cancel ${file}`}
          onClick={() => props.act((id) => client.cancel(id), props.import)}
        >
          Cancel
        </button>
      )}
      {!goes && <Forget listed import={props.import} onGone={props.onGone} />}
    </span>
  );
}
