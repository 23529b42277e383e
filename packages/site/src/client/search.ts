// The search: a dialog, which loads its index when it is first opened.

import MiniSearch from "minisearch";
import { type Found, OPTIONS } from "../code/found.ts";

/** The most results that are shown. */
const SHOWN = 12;

let index: Promise<MiniSearch> | undefined;
let dialog: HTMLDialogElement | undefined;

/** Opens the dialog. */
export function openSearch(root: URL): void {
  dialog ??= makeDialog(root);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("input")?.select();
}

async function load(root: URL): Promise<MiniSearch> {
  const response = await fetch(new URL("assets/search.json", root));
  if (!response.ok) throw new Error(`the index of the search: status ${response.status}`);
  return MiniSearch.loadJSON(await response.text(), OPTIONS);
}

function makeDialog(root: URL): HTMLDialogElement {
  const made = document.createElement("dialog");
  made.setAttribute("aria-label", "Search");
  const form = document.createElement("form");
  form.method = "dialog";
  const label = document.createElement("label");
  label.textContent = "Search the documentation";
  label.htmlFor = "search-words";
  const input = document.createElement("input");
  input.type = "search";
  input.id = "search-words";
  input.autocomplete = "off";
  const close = document.createElement("button");
  close.textContent = "Close";
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const results = document.createElement("ol");
  form.append(label, input, close);
  made.append(form, status, results);
  document.body.append(made);

  const show = async (): Promise<void> => {
    const words = input.value.trim();
    try {
      const found = words === "" ? [] : (await (index ??= load(root))).search(words);
      // The reader may have typed on meanwhile.
      if (words !== input.value.trim()) return;
      const shown = found.slice(0, SHOWN) as unknown as Found[];
      results.replaceChildren(...shown.map((one) => itemOf(one, root)));
      status.textContent = words === "" ? "" : found.length === 0 ? "Nothing was found." : counted(found.length);
    } catch (error) {
      index = undefined;
      status.textContent = `The search does not work: ${(error as Error).message}.`;
    }
  };
  input.addEventListener("input", () => void show());
  form.addEventListener("submit", (event) => {
    // Enter opens the first result; the button closes.
    const first = results.querySelector("a");
    if (event.submitter === close && document.activeElement !== close && first !== null) {
      event.preventDefault();
      first.click();
      made.close();
    }
  });
  // In a search field the browser would only clear the words.
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") made.close();
  });
  results.addEventListener("click", () => made.close());
  return made;
}

function itemOf({ page, heading, address, start }: Found, root: URL): HTMLLIElement {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = new URL(address, root).href;
  link.textContent = heading === page ? page : `${page}: ${heading}`;
  const text = document.createElement("p");
  text.textContent = start;
  item.append(link, text);
  return item;
}

function counted(count: number): string {
  return count === 1 ? "1 place" : `${count} places`;
}
