// <sluice-importer>: the whole importer as one element, for the page that `sluice serve` shows and
// for pages of others.
//
// Attributes (docs/page.md has them all): `server`, `table`, `lang`, `routing`, `history`.
// Property: `token`. Events, which bubble out of the shadow tree: `sluice-file`, `sluice-start`,
// `sluice-end`, `sluice-repair`. Its looks are in a shadow tree, so that the styles of the page
// around it and its own do not meet; custom properties named `--sluice-…` set its colours and its
// font.
import { render } from "preact";
import { App } from "./app.tsx";
import { Store } from "./state/store.ts";
import { sheets } from "./style/sheets.ts";
import { StoreContext } from "./ui/context.ts";

export class SluiceImporter extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ["server", "table", "lang", "routing", "history"];
  #store: Store | undefined;
  #token = "";

  /** The bearer token for the service, if it asks for one. It is kept in memory only. */
  get token(): string {
    return this.#store?.token.value ?? this.#token;
  }

  set token(token: string) {
    this.#token = token;
    if (this.#store) this.#store.token.value = token;
  }

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = sheets();
    this.#open(root);
  }

  disconnectedCallback(): void {
    this.#close();
  }

  attributeChangedCallback(): void {
    if (!this.#store || !this.shadowRoot) return;
    this.#close();
    this.#open(this.shadowRoot);
  }

  #open(root: ShadowRoot): void {
    const store = new Store(
      {
        server: new URL(this.getAttribute("server") ?? "./", document.baseURI).href,
        table: this.getAttribute("table") ?? undefined,
        locale: this.getAttribute("lang") ?? undefined,
        hash: this.getAttribute("routing") !== "none",
        history: this.getAttribute("history") !== "none",
      },
      (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true })),
    );
    store.token.value = this.#token;
    this.#store = store;
    render(
      <StoreContext.Provider value={store}>
        <App />
      </StoreContext.Provider>,
      root,
    );
  }

  #close(): void {
    if (this.shadowRoot) render(null, this.shadowRoot);
    this.#store?.close();
    this.#store = undefined;
  }
}
