// The frame around the views: name, ways to go, the state of the database, and what is said aloud.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Choose } from "./choose/choose.tsx";
import { TokenField } from "./choose/token.tsx";
import { History } from "./history/history.tsx";
import { Look } from "./look/look.tsx";
import { ImportView } from "./run/import-view.tsx";
import { useStore } from "./ui/context.ts";
import { Data, Icon } from "./ui/parts.tsx";
import { toHash, type Route } from "./state/route.ts";

export function App(): JSX.Element {
  const store = useStore();
  const route = store.route.value;
  // A page of others has its own `main`.
  return (
    <div
      class="app"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => takeDropped(event, store.take.bind(store))}
    >
      <Head route={route} />
      <div class="view" role={store.settings.hash ? "main" : undefined}>
        {store.tokenWanted.value && <TokenField />}
        <View route={route} />
      </div>
      <Foot />
      <p class="hidden" role="status">
        {store.said.value}
      </p>
    </div>
  );
}

function View({ route }: { readonly route: Route }): JSX.Element {
  if (route.view === "look") return <Look key={route.key} jobKey={route.key} />;
  if (route.view === "import") return <ImportView key={route.id} id={route.id} />;
  if (route.view === "history") return <History key="history" which="imports" query={route.query} />;
  if (route.view === "dead-letters") return <History key="dead-letters" which="dead-letters" query={route.query} />;
  return <Choose key="choose" />;
}

function Head({ route }: { readonly route: Route }): JSX.Element {
  const store = useStore();
  const link = (to: Route, text: string, current: boolean): JSX.Element => (
    <a
      href={toHash(to)}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        event.preventDefault();
        store.go(to);
      }}
    >
      {text}
    </a>
  );
  return (
    <header class="head">
      <svg class="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M10 6v9M22 6v9M10 9.5h12M6 19.5c2.5-2.2 4.2-2.2 6.7 0s4.2 2.2 6.6 0 4.2-2.2 6.7 0M6 25c2.5-2.2 4.2-2.2 6.7 0s4.2 2.2 6.6 0 4.2-2.2 6.7 0" />
      </svg>
      <p class="name">Sluice</p>
      <nav aria-label="Sluice">
        {link({ view: "choose" }, "Import", route.view !== "history" && route.view !== "dead-letters")}
        {store.settings.history && link({ view: "history", query: "" }, "History", route.view === "history")}
        {store.settings.history &&
          store.about.value?.fleet === true &&
          link({ view: "dead-letters", query: "" }, "Given up", route.view === "dead-letters")}
      </nav>
      <Health />
    </header>
  );
}

const ASK_AGAIN_MS = 15_000;

function Health(): JSX.Element {
  const store = useStore();
  const database = store.about.value?.database;
  const away = store.health.value;
  useEffect(() => {
    const timer = setInterval(() => void store.refresh(), ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [store]);
  return (
    <p class={away === undefined ? "health" : "health away"} role="status" title={away}>
      {away === undefined ? (
        database ? (
          <>
            <span class="product">
              {database.product} {database.version}
            </span>
            <Data>{database.name}</Data>
          </>
        ) : (
          "Database ready"
        )
      ) : store.away.value ? (
        "Server away"
      ) : (
        "Database away"
      )}
    </p>
  );
}

function Foot(): JSX.Element {
  const store = useStore();
  const { version, maxFileBytes } = store.about.value ?? {};
  return (
    <footer class="foot">
      <span>Sluice {version}</span>
      {maxFileBytes !== undefined && <span>Files up to {store.format.bytes(maxFileBytes)}</span>}
      <details class="help">
        <summary>How it works</summary>
        <ul>
          <li>
            Nothing is written before you press Import. What the file seems to mean is shown first, and you can change
            it.
          </li>
          <li>
            A row that does not fit is kept apart with its reason. All others go in. You repair the rest here, or in a
            spreadsheet.
          </li>
          <li>
            An import continues if you close this page. If the server stops, the import continues later, and no row goes
            in twice.
          </li>
          <li>
            In a grid: arrow keys move, Enter changes a cell, Escape leaves it as it was, Ctrl+Z takes the last change
            back.
          </li>
        </ul>
      </details>
      <a href={`${store.client.base}openapi.json`}>
        API description
        <Icon name="arrow" size={14} />
      </a>
    </footer>
  );
}

function takeDropped(event: DragEvent, take: (files: readonly File[]) => void): void {
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length === 0) return;
  event.preventDefault();
  take(files);
}
